"""Score candidates by implicit's ALS, refitted as time goes on; run as a script."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

FACTORS = (8, 16, 32, 64)


def scores(data: dict[str, Any], factors: int, chosen: Any) -> Any:
    """Return the score of each candidate of the chosen queries."""
    users, items = int(data["user"].max()) + 1, int(data["items"])
    made = np.zeros(len(data["candidate"]))
    for step in np.unique(data["query_step"][chosen]):
        known = data["step"] < step
        matrix = csr_matrix(
            (data["weight"][known], (data["user"][known], data["item"][known])), shape=(users, items)
        )
        model = AlternatingLeastSquares(
            factors=factors, regularization=0.05, alpha=10.0, iterations=15, random_state=0, num_threads=1
        )
        model.fit(matrix, show_progress=False)
        fresh = np.asarray(matrix.sum(axis=0)).ravel() == 0
        for query in chosen[data["query_step"][chosen] == step]:
            start, end = data["history_edges"][query : query + 2]
            if start == end:
                continue
            own = csr_matrix(
                (data["history_weight"][start:end], (np.zeros(end - start, int), data["history"][start:end])),
                shape=(1, items),
            )
            vector = model.recalculate_user(0, own)
            rows = slice(*data["edges"][query : query + 2])
            found = model.item_factors[data["candidate"][rows]] @ np.ravel(vector)
            made[rows] = np.where(fresh[data["candidate"][rows]], 0.0, found)
    return made


def ndcg(data: dict[str, Any], made: Any, chosen: Any) -> float:
    """Return the mean NDCG@10 of the chosen queries."""
    total: float = 0.0
    for query in chosen:
        rows = slice(*data["edges"][query : query + 2])
        right = np.flatnonzero(data["right"][rows])[0]
        place = (made[rows] > made[rows][right]).sum() + ((made[rows] == made[rows][right]).sum() - 1) / 2
        total += 1 / np.log2(place + 2) if place < 10 else 0.0
    return float(total) / max(len(chosen), 1)


def main(folder: Path) -> None:
    data: dict[str, Any] = dict(np.load(folder / "in.npz"))
    validation = np.flatnonzero(data["validation"])
    tried = {factors: ndcg(data, scores(data, factors, validation), validation) for factors in FACTORS}
    best = max(tried, key=lambda factors: tried[factors])
    print(f"factors {best}")
    np.save(folder / "out.npy", scores(data, best, np.arange(len(data["validation"]))))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

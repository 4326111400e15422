"""implicit's matrix factorisation, asked in an environment of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.matching.ranks import Queries
from benchmarks.serve.environments import python_with
from estate.core.errors import StackError
from estate.core.frame import Numbers

PEERS = Path(__file__).parent / "peers"
_SECONDS = 900


def ask(events: dict[str, NDArray[np.generic]], queries: Queries, candidate: NDArray[np.int64]) -> Numbers:
    """Return the score of each candidate.

    Parameters
    ----------
    events : mapping of str to array
        ``user``, ``item``, ``weight``, ``step`` of all looks; ``items``, their number; of each query
        ``query_step``, ``validation``, ``history_edges``; and ``history``, ``history_weight``.
    queries : Queries
    candidate : int64 array
        The item of each candidate.

    Raises
    ------
    StackError
        If it can't be installed, or fails; with its last words.
    """
    python = python_with("implicit", PEERS / "implicit.txt")
    edges = np.searchsorted(queries.query, np.arange(len(queries) + 1))
    with TemporaryDirectory() as folder:
        arrays = {**events, "edges": edges, "candidate": candidate, "right": queries.right}
        np.savez(Path(folder) / "in.npz", **arrays)  # type: ignore[arg-type]
        one = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        command = [str(python), str(PEERS / "implicit_als.py"), folder]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS, env=one)
        if ran.returncode:
            last = (ran.stderr.strip() or "nothing").splitlines()[-1]
            raise StackError("implicit", expected="scores", got=last)
        found: Numbers = np.load(Path(folder) / "out.npy", allow_pickle=False)
    return found


def of_looks(  # noqa: PLR0913  who looked at what, and who asks when
    user: NDArray[np.int64],
    item: NDArray[np.int64],
    weight: Numbers,
    at: NDArray[np.int64],
    *,
    asked_at: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    step: int,
    test_from: int,
) -> dict[str, NDArray[np.generic]]:
    """Arrange looks and queries for the script; looks of one user are neighbours, oldest first."""
    rows = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)] or [np.zeros(0, int)])
    return {
        "user": user,
        "item": item,
        "weight": weight,
        "step": at // step,
        "items": np.array(int(item.max()) + 1),
        "query_step": asked_at // step,
        "validation": asked_at < test_from,
        "history_edges": np.concatenate([[0], np.cumsum(last - first)]),
        "history": item[rows],
        "history_weight": weight[rows],
    }

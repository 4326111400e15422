"""FLAML's AutoML for so many seconds, as its documentation shows it; reads CSV files of a folder.

``flaml_automl.py FOLDER TASK METRIC SECONDS SEED``: FOLDER has ``train.csv``, ``test.csv`` and
``columns.json`` with the names of the categories; ``y`` is the label. Writes ``scores.csv``.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pandas as pd
from flaml import AutoML


def main(folder: Path, task: str, metric: str, seconds: float, seed: int) -> None:
    """Search, fit and score."""
    categories = json.loads((folder / "columns.json").read_text())["categories"]
    kinds = dict.fromkeys(categories, str)
    train, test = (
        pd.read_csv(folder / f"{part}.csv", dtype=kinds, keep_default_na=False, na_values=[""])
        for part in ("train", "test")
    )
    for name in categories:
        levels = sorted(train[name].dropna().unique())
        for table in (train, test):
            table[name] = pd.Categorical(table[name], categories=levels)
    begun = time.perf_counter()
    automl = AutoML()
    automl.fit(
        train.drop(columns="y"),
        train["y"],
        task=task,
        metric=metric,
        time_budget=seconds,
        seed=seed,
        n_jobs=1,
        verbose=0,
    )
    rows = test.drop(columns="y")
    found = automl.predict_proba(rows)[:, 1] if task == "classification" else automl.predict(rows)
    pd.DataFrame({"score": found}).to_csv(folder / "scores.csv", index=False)
    said = {"best": automl.best_estimator, "seconds": time.perf_counter() - begun}
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]), int(sys.argv[5]))

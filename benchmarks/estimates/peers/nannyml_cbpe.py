"""CBPE of NannyML for windows of scores, as its documentation shows it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml
import pandas as pd

METRICS = ["roc_auc", "accuracy"]


def main(folder: Path, rows: int) -> None:
    """Estimate every window of so many rows."""
    estimator = nannyml.CBPE(
        problem_type="classification_binary",
        y_pred_proba="p",
        y_pred="label",
        y_true="y",
        metrics=METRICS,
        chunk_size=rows,
    )
    estimator.fit(pd.read_csv(folder / "reference.csv"))
    result = estimator.estimate(pd.read_csv(folder / "windows.csv"))
    frame = result.filter(period="analysis").to_df()
    print(json.dumps({name: frame[(name, "value")].tolist() for name in METRICS}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

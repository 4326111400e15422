"""What reasons cost, and how close they come to exact ones.

300 trees of depth 4 on 28 columns of simulated rows with products among their effects. Contributions with
a few background rows are compared with those of 300 of them (which chance has left), and with XGBoost's own
(another question: it follows its trees where a feature is left out). Time is CPU time of the process.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from estate.bundles import BundlePredictor, open_predictor
from estate.bundles.reasons import Reasons
from estate.bundles.shapley import pairs_for
from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame, Numbers
from estate.core.model_spec import ModelSpec, TableSource, Task
from estate.training.bundling import write_bundle
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.split import split_by_time

FEATURES = tuple(f"x{i}" for i in range(28))
PAIRS, MANY = (2, 4, 8, 16, 32), 300
ROUNDS = 3


@dataclass(frozen=True)
class _Ground:
    predictor: BundlePredictor
    rows: Frame
    by_trees: Numbers


def run(quick: bool) -> dict[str, object]:
    """Measure at several numbers of background rows; quick: few trees and rows."""
    with tempfile.TemporaryDirectory() as folder:
        ground = _ground(Path(folder), trees=20 if quick else 300, rows=10 if quick else 60)
        exact = _contributions(ground, 30 if quick else MANY)
        rows = [_row(ground, exact, pairs) for pairs in (PAIRS[:2] if quick else PAIRS)]
        limit = {"pairs": "many", **_agreement(exact, ground.by_trees, "trees")}
        return {"rows": [*rows, limit], "goals": [] if quick else _goals(rows)}


def _ground(folder: Path, *, trees: int, rows: int) -> _Ground:
    import xgboost

    def estimator(seed: int) -> Any:
        return xgboost.XGBClassifier(
            n_estimators=trees, max_depth=4, learning_rate=0.06, n_jobs=1, random_state=seed
        )

    _write_table(folder / "table.csv")
    spec = ModelSpec(
        name="reasons",
        purpose="A benchmark.",
        task=Task.BINARY,
        source=TableSource(path=str(folder / "table.csv"), label="y"),
        features=FeatureSet(numbers=FEATURES),
        estimator=estimator,
    )
    parts = split_by_time(spec, extract(spec, None, as_of=datetime.now(UTC)))
    trained = fit(spec, parts)
    bundle, _ = write_bundle(trained, parts, folder / "bundle")
    some = parts.holdout.features.take(np.arange(rows))
    matrix = xgboost.DMatrix(bundle.encoder.matrix(some))
    by_trees = trained.estimator.get_booster().predict(matrix, pred_contribs=True)[:, :-1]
    return _Ground(open_predictor(bundle, "1"), some, by_trees)


def _write_table(path: Path) -> None:
    import pandas as pd

    random = np.random.default_rng(0)
    x = np.hstack([random.normal(size=(8000, 14)), random.poisson(1.5, size=(8000, 14))])
    z = x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + np.sin(x[:, 3]) + 0.4 * x[:, 14] - 0.3 * x[:, 15] * (x[:, 4] > 0)
    y = random.random(8000) < 1.0 / (1.0 + np.exp(1.0 - z))
    pd.DataFrame({**dict(zip(FEATURES, x.T, strict=True)), "y": y.astype(int)}).to_csv(path, index=False)


def _contributions(ground: _Ground, pairs: int) -> Numbers:
    return Reasons(ground.predictor.bundle, {}, pairs=pairs).contributions(ground.rows, ground.predictor)[0]


def _row(ground: _Ground, exact: Numbers, pairs: int) -> dict[str, object]:
    reasons, one = Reasons(ground.predictor.bundle, {}, pairs=pairs), ground.rows.take(np.arange(1))
    prepared = _seconds(lambda: reasons.explain(one, ground.predictor))
    together = min(_seconds(lambda: reasons.explain(ground.rows, ground.predictor)) for _ in range(ROUNDS))
    alone = min(_seconds(lambda: reasons.explain(one, ground.predictor)) for _ in range(10 * ROUNDS))
    found = _contributions(ground, pairs)
    return {
        "pairs": pairs,
        "first_ms": round(1e3 * prepared, 1),
        "alone_ms": round(1e3 * alone, 2),
        "together_ms_per_row": round(1e3 * together / len(ground.rows), 2),
        **_agreement(found, exact, "many"),
        **_agreement(found, ground.by_trees, "trees"),
    }


def _seconds(work: Any) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _agreement(ours: Numbers, theirs: Numbers, whose: str) -> dict[str, float]:
    """Return the mean correlation of a row's contributions, and the share of the three largest in common."""
    alike = [np.corrcoef(one, other)[0, 1] for one, other in zip(ours, theirs, strict=True)]
    largest = [np.argsort(-np.abs(found), axis=1)[:, :3].tolist() for found in (ours, theirs)]
    shared = [len({*one} & {*other}) / 3 for one, other in zip(*largest, strict=True)]
    return {
        f"correlation_{whose}": round(float(np.mean(alike)), 3),
        f"top3_{whose}": round(float(np.mean(shared)), 3),
    }


def _goals(rows: list[dict[str, Any]]) -> list[dict[str, object]]:
    (used,) = [row for row in rows if row["pairs"] == pairs_for(len(FEATURES))]
    return [
        _goal("ms of CPU for a row's reasons, at most", used["together_ms_per_row"], 3.0, at_most=True),
        _goal("correlation with those of many background rows, at least", used["correlation_many"], 0.97),
        _goal("correlation with XGBoost's own, at least", used["correlation_trees"], 0.95),
    ]


def _goal(text: str, value: float, bound: float, *, at_most: bool = False) -> dict[str, object]:
    met = value <= bound if at_most else value >= bound
    return {"goal": f"{text} {bound:g}", "value": value, "bound": bound, "met": met}

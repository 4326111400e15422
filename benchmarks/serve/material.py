"""One trained model in every form that a server wants, the rows that are asked, and the right answers."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serve.deal_won import COLUMNS, SPEC
from estate.bundles import Bundle, open_predictor
from estate.catalog import load_specs
from estate.core.evidence import Evidence
from estate.core.frame import Frame, Numbers
from estate.core.model_spec import ModelSpec
from estate.training.bundling import write_bundle
from estate.training.evidence import Origin, gather
from estate.training.extract import extract
from estate.training.fit import Trained, fit
from estate.training.gate import Contest, baseline_scores, judge
from estate.training.split import Split, split_by_time

MODEL = SPEC.name
VERSION = "1"
ASKED_ROWS = 1000
_TRAINING_ROWS = 10_000
_AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Material:
    """What every server is given.

    Parameters
    ----------
    folder : Path
        ``bundle/`` for ours, ``plain.onnx`` and ``pipeline.joblib`` for the others, ``models/`` with the
        model's file.
    rows : list of dict
        Cases that the model has not seen, from column to number.
    scores : float64 array
        What the bundle answers to them.
    evidence : Evidence
        Of the gate, on the holdout.
    """

    folder: Path
    rows: list[dict[str, float]]
    scores: Numbers
    evidence: Evidence


def make_material(folder: Path) -> Material:
    """Train once and write every form of the model."""
    models = folder / "models"
    models.mkdir()
    shutil.copy(Path(__file__).with_name("deal_won.py"), models)
    _deals(_TRAINING_ROWS, seed=0, labelled=True).to_parquet(models / "deals.parquet")
    spec = load_specs(models / "deal_won.py")[0]
    data = extract(spec, None, as_of=_AS_OF)
    parts = split_by_time(spec, data)
    # Without its calibration: the others would have to be taught it, and it is not what is measured.
    fitted = fit(spec, parts)
    trained = Trained(spec, fitted.encoder, fitted.estimator, None, ())
    bundle, parity = write_bundle(trained, parts, folder / "bundle")
    _write_plain_forms(trained.estimator, folder)
    asked = _deals(ASKED_ROWS, seed=1, labelled=False)
    rows: list[dict[str, float]] = [
        {str(name): float(value) for name, value in row.items()} for row in asked.to_dict("records")
    ]
    frame = Frame({name: asked[name].to_numpy() for name in COLUMNS}, len(asked))
    scores = open_predictor(bundle, VERSION).predict_many(frame).score
    judged = gather(
        Origin("serve-benchmark", _AS_OF, "benchmark"),
        bundle,
        data,
        judgement=judge(spec, parts.holdout, _contest(spec, bundle, parts, parity)),
    )
    (folder / "rows.json").write_text(json.dumps(rows))
    return Material(folder, rows, scores, judged)


def _contest(spec: ModelSpec, bundle: Bundle, parts: Split, parity: float) -> Contest:
    baseline, named = baseline_scores(spec, parts.train, parts.holdout)
    challenger = open_predictor(bundle, VERSION).predict_many(parts.holdout.features)
    return Contest(challenger, baseline, named, None, None, parity)


def _deals(rows: int, *, seed: int, labelled: bool) -> Any:
    """Draw cases of which some columns matter, alone and together; numbers as a CRM has them: few digits."""
    import pandas as pd

    random = np.random.default_rng(seed)
    values = random.normal(0.0, 10.0, (rows, len(COLUMNS))).round(3)
    table = pd.DataFrame(values, columns=list(COLUMNS))
    if labelled:
        weights = np.linspace(0.12, 0.0, len(COLUMNS))
        logit = values @ weights + 0.01 * values[:, 0] * values[:, 1] - 1.0
        table["won"] = (random.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)
        table["seen_at"] = pd.date_range("2024-01-01", periods=rows, freq="h", tz="UTC").astype(str)
    return table


def _write_plain_forms(estimator: Any, folder: Path) -> None:
    """Write the model as the documentation of scikit-learn and of ONNX would have it."""
    import joblib  # type: ignore[import-untyped]
    import pandas as pd
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline

    width = len(COLUMNS)
    graph = convert_xgboost(estimator, initial_types=[("input", FloatTensorType([None, width]))])
    (folder / "plain.onnx").write_bytes(graph.SerializeToString())
    columns = ColumnTransformer([("numbers", SimpleImputer(), list(COLUMNS))])
    columns.fit(pd.DataFrame(np.zeros((2, width)), columns=list(COLUMNS)))
    estimator.set_params(n_jobs=1)  # one row at a time: threads cost more than they give
    joblib.dump(Pipeline([("columns", columns), ("model", estimator)]), folder / "pipeline.joblib")

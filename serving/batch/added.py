"""The columns of an answer."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from estate.bundles.intervals import LabelSet
from serving.batch.plan import Plan
from serving.predictors import SignedScores


def added_columns(plan: Plan, scores: SignedScores, at: str) -> dict[str, Any]:
    """Return Arrow columns as :attr:`Plan.added` names them; what rules answered has no band or interval."""
    rows = len(scores.score)
    made: dict[str, Any] = {"score": pa.array(scores.score), **_of_bundle(plan, scores)}
    if "label" in plan.added:
        made["label"] = _labels(scores)
    for name, text in (("version", scores.version), ("answered_by", scores.answered_by.value), ("at", at)):
        made[name] = pa.repeat(pa.scalar(text), rows)
    return {name: made[name] if name in made else pa.nulls(rows, kind) for name, kind in plan.added.items()}


def _labels(scores: SignedScores) -> Any:
    if scores.probabilities is None:
        return pa.nulls(len(scores.score), pa.string())
    return pa.array(scores.classes, pa.string()).take(pa.array(scores.probabilities.argmax(axis=1)))


def _of_bundle(plan: Plan, scores: SignedScores) -> dict[str, Any]:
    bundle = plan.answering.bundle
    if bundle is None or scores.version != plan.answering.version:
        return {}
    made: dict[str, Any] = {}
    if bundle.bands is not None:
        made["band"] = pa.array(bundle.bands.names).take(pa.array(bundle.bands.codes(scores.score)))
    if isinstance(bundle.interval, LabelSet):
        assert scores.probabilities is not None
        sets = bundle.interval.sets(scores.probabilities, scores.classes)
        made["labels"] = pa.array(["|".join(labels) for labels in sets], pa.string())
    elif bundle.interval is not None:
        low, high = bundle.interval.ends(scores.score)
        made |= {"interval_low": pa.array(low), "interval_high": pa.array(high)}
    return made

"""Worlds whose truth is known: scores that come true as often as they say, or otherwise on purpose."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from estate.core.evidence import Evidence, Slice
from estate.core.frame import Column, Numbers
from estate.core.model_spec import Task
from estate.core.prediction import Scores
from estate.training.metrics import measure
from monitoring.quality.answered import Answered
from monitoring.quality.frontier import Frontier

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY_US = 86_400_000_000


def sigmoid(logit: Numbers) -> Numbers:
    found: Numbers = 1.0 / (1.0 + np.exp(-logit))
    return found


def scores(rows: int, seed: int, *, spread: float = 1.2, middle: float = -2.4) -> Numbers:
    """Scores of a model for about one positive in eight."""
    return sigmoid(np.random.default_rng([seed, 1]).normal(middle, spread, rows))


def labels(p: Numbers, seed: int, *, slope: float = 1.0, up: float = 0.0) -> Numbers:
    """Labels of a world in which log odds are ``slope`` times the scores' own, plus ``up``."""
    logit = np.log(p) - np.log1p(-p)
    middle = float(logit.mean())
    truth = sigmoid(middle + slope * (logit - middle) + up)
    return (np.random.default_rng([seed, 2]).random(len(p)) < truth).astype(np.float64)


def proof(p: Numbers, y: Numbers, *, slices: tuple[Slice, ...] = ()) -> Evidence:
    """Evidence of a version with this holdout; the baseline is a constant."""
    constant = Scores(np.full(len(y), y.mean()))
    return Evidence(
        model="lead_conversion",
        training_key="k",
        bundle_digest="d",
        verdict=True,
        findings=(),
        measures=measure(Task.BINARY, y, Scores(p)),
        baseline=measure(Task.BINARY, y, constant),
        champion=(),
        champion_version=None,
        slices=slices,
        data_fingerprint="f",
        feature_fingerprint="f",
        code_version="c",
        as_of=NOON,
        rows=len(y) * 5,
        holdout_rows=len(y),
        mature_share=1.0,
    )


def answered(p: Numbers, y: Numbers, **categories: Column) -> Answered:
    """Answers of the last weeks, with their labels."""
    end = round(NOON.timestamp() * 1e6)
    at = np.linspace(end - 28 * DAY_US, end - 1, len(p)).astype(np.int64)
    return Answered(at, at, p, y, categories, Frontier(end))

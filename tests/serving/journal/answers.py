"""Answers of every shape that a journal may get."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from estate.core.clock import now
from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy
from estate.core.prediction_id import new_ids
from serving.prediction_log import AnsweredRows
from serving.predictors import SignedScores


def answered(
    count: int, *, features: Frame | None = None, entities: Sequence[str | None] | None = None
) -> AnsweredRows:
    """Return answers of version 1 of ``sale``."""
    rng = np.random.default_rng(count)
    scores = SignedScores(rng.random(count), None, (), "1", AnsweredBy.MODEL)
    frame = features or Frame.of({"rooms": rng.normal(size=count)})
    return AnsweredRows("sale", new_ids(count), entities or [None] * count, frame, scores, "f", now())

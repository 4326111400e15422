"""From features to scores that say who gave them, and what of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from estate.core.clock import now
from estate.core.frame import Frame
from estate.core.prediction_id import new_ids
from serving.answering import Answering
from serving.models import ServedModel
from serving.prediction_log import AnsweredRows
from serving.predictors import Cases, SignedScores, join_scores, sign

Keep = Callable[[AnsweredRows], None]
"""Takes the answers that were given, for the prediction log."""

PIECE_ROWS = 512


def score(
    served: ServedModel, answering: Answering, features: Frame, entities: Sequence[str | None]
) -> AnsweredRows:
    """Score every row of a frame of features.

    Raises
    ------
    LeadloopError
        If a row can't be scored, or nothing can answer.
    """
    ids = new_ids(len(features))
    scores = scores_of(answering, Cases.about(features, entities, ids))
    return kept(served, features, entities, scores, ids=ids)


def scores_of(answering: Answering, cases: Cases) -> SignedScores:
    """Return the scores of some cases with their origin."""
    return sign(answering.predictor.predict_many(cases), answering.predictor)


def kept(
    served: ServedModel,
    features: Frame,
    entities: Sequence[str | None],
    scores: SignedScores,
    *,
    ids: list[str],
) -> AnsweredRows:
    """Return what the log keeps of scores."""
    return AnsweredRows(served.spec.name, ids, entities, features, scores, served.fingerprint, now())


def score_in_pieces(
    served: ServedModel,
    answering: Answering,
    features: Frame,
    entities: Sequence[str | None],
    *,
    between: Callable[[], None],
) -> AnsweredRows:
    """Score a large frame part by part, with room for others between two of them.

    Parameters
    ----------
    between : callable
        Called after each part; raises to give up.
    """
    parts: list[SignedScores] = []
    ids = new_ids(len(features))
    for start in range(0, len(features), PIECE_ROWS):
        stop = start + PIECE_ROWS
        piece = rows_of(features, start, stop)
        parts.append(scores_of(answering, Cases.about(piece, entities[start:stop], ids[start:stop])))
        between()
    scores = join_scores(parts)
    if scores is None:  # the model failed on the way, and its rules went on: one request has one origin
        return score(served, answering, features, entities)
    return kept(served, features, entities, scores, ids=ids)


def rows_of(frame: Frame, start: int, stop: int) -> Frame:
    """Return the rows from ``start`` to before ``stop``, without copying numbers."""
    columns = {name: values[start:stop] for name, values in frame.columns.items()}
    return Frame(columns, min(stop, len(frame)) - start)


def joined(frames: Sequence[Frame]) -> Frame:
    """Return the rows of all frames, which have the same columns, one after the other."""
    if len(frames) == 1:
        return frames[0]
    columns = {name: np.concatenate([frame[name] for frame in frames]) for name in frames[0].columns}
    return Frame(columns, sum(map(len, frames)))


def part_of(whole: AnsweredRows, start: int, stop: int) -> AnsweredRows:
    """Return the answers from ``start`` to before ``stop``."""
    return AnsweredRows(
        whole.model,
        whole.ids[start:stop],
        whole.entities[start:stop],
        rows_of(whole.features, start, stop),
        whole.scores.part(start, stop),
        whole.fingerprint,
        whole.at,
    )

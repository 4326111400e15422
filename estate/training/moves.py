"""How a case's score moves between two versions, and which features have a share in it.

The shares are approximations: each feature in turn is set to the values that it has in rows of the new
version's training, and what that takes away on average from the difference between the two versions is the
feature's share. What features do together is counted under each of them, or under none. One value alone, such
as the median or the most common category, would explain nothing to a case that has just that value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from estate.core.frame import Frame, Numbers
from estate.core.prediction import Scores
from estate.core.predictor import Predictor

METHOD = (
    "A feature's share in a move: how much of it goes away on average when the feature alone is set to the"
    " values of 100 of the new version's training rows. An approximation: features act together."
)
MOST_REASONS, REFERENCE_ROWS = 3, 100
NOISE = 1e-6
"""Moves below this part of the score's size (at least of 1) are float32 noise, not moves."""


@dataclass(frozen=True)
class Reason:
    """A feature's share in a move.

    Parameters
    ----------
    feature : str
    amount : float
        Signed, in the score's unit: part of "after minus before" that goes away without it.
    """

    feature: str
    amount: float


@dataclass(frozen=True)
class Moves:
    """Comparable scores of n cases, and what they were made from.

    Parameters
    ----------
    before, after : float64 array of shape (n,)
        Multiclass: the probability of the class that was the most likely one before.
    scores : (Scores, Scores)
        By the version before and the one after.
    """

    before: Numbers
    after: Numbers
    scores: tuple[Scores, Scores]


@dataclass(frozen=True)
class Pair:
    """The version that answers and the one that may.

    Parameters
    ----------
    before, after : Predictor
    reference : Frame
        Rows of the new version's training, for the reasons.
    """

    before: Predictor
    after: Predictor
    reference: Frame

    def moves(self, features: Frame, labels: Sequence[str | None] | None = None) -> Moves:
        """Score every row by both.

        Parameters
        ----------
        features : Frame
            n rows.
        labels : sequence of str, optional
            Multiclass: the n classes whose probabilities are compared, if not the most likely ones before.
        """
        before, after = self.before.predict_many(features), self.after.predict_many(features)
        if before.probabilities is None or after.probabilities is None:
            return Moves(before.score, after.score, (before, after))
        wanted = labels or before.labels()
        return Moves(_probability(before, wanted), _probability(after, wanted), (before, after))

    def reasons(self, movers: Frame, moves: Moves) -> list[tuple[Reason, ...]]:
        """Return at most three features for each row, the largest share first; none where there is none."""
        if not len(movers) or not len(self.reference):
            return [() for _ in moves.before]
        step = max(1, len(self.reference) // REFERENCE_ROWS)
        reference = self.reference.take(np.arange(0, len(self.reference), step)[:REFERENCE_ROWS])
        place = np.repeat(np.arange(len(movers)), len(reference))
        repeated, labels = movers.take(place), np.array(moves.scores[0].labels(), dtype=object)[place]
        shares: dict[str, Numbers] = {}
        for name, values in reference.columns.items():
            if name in movers.columns:
                held = Frame({**repeated.columns, name: np.tile(values, len(movers))}, len(repeated))
                left = self.moves(held, labels.tolist())
                shares[name] = moves.after - moves.before - _mean(left.after - left.before, len(reference))
        rows = range(len(movers))
        return [_largest({name: float(share[row]) for name, share in shares.items()}) for row in rows]


def _probability(scores: Scores, labels: Sequence[str | None]) -> Numbers:
    assert scores.probabilities is not None
    column = {name: i for i, name in enumerate(scores.classes)}
    found = zip(labels, scores.probabilities, strict=True)
    return np.asarray([row[column[name]] if name in column else 0.0 for name, row in found], dtype=np.float64)


def _mean(moves: Numbers, each: int) -> Numbers:
    several = moves.reshape(-1, each)
    known = np.isfinite(several)  # rules may have no answer where a value is missing
    mean: Numbers = np.where(known, several, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    return mean


def _largest(shares: Mapping[str, float]) -> tuple[Reason, ...]:
    real = [Reason(name, share) for name, share in shares.items() if abs(share) > NOISE]
    return tuple(sorted(real, key=lambda reason: (-abs(reason.amount), reason.feature))[:MOST_REASONS])

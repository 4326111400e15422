"""Scores that say who gave them.

A wrapper's ``version`` is what it would answer with now; by the time an answer is read another version may
have taken over. So the answer carries its origin itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from estate.core.prediction import NO_VERSION, AnsweredBy, Scores
from estate.core.predictor import Predictor

Origin = tuple[str, AnsweredBy]
"""Version and kind of who answered."""


@dataclass(frozen=True)
class SignedScores(Scores):
    """Scores with their origin.

    Parameters
    ----------
    version : str
        Registered version, or ``"rules"``.
    answered_by : AnsweredBy
    """

    version: str = NO_VERSION
    answered_by: AnsweredBy = AnsweredBy.RULES

    def origins(self) -> list[Origin]:
        """Return the origin of each row."""
        return [(self.version, self.answered_by)] * len(self.score)

    def rows_by_origin(self) -> Iterator[tuple[Origin, int]]:
        """Return how many rows each origin scored."""
        yield (self.version, self.answered_by), len(self.score)

    def part(self, start: int, stop: int) -> SignedScores:
        """Return the scores of the rows from ``start`` to before ``stop``."""
        of_classes = self.probabilities[start:stop] if self.probabilities is not None else None
        return replace(self, score=self.score[start:stop], probabilities=of_classes)


@dataclass(frozen=True)
class MixedScores(SignedScores):
    """Scores of the present version, with those of a new one among them.

    Parameters
    ----------
    new : bool array of shape (n,)
        Which rows the new version scored.
    new_origin : tuple
    texts : tuple of (str or None)
        The label of each row: the two versions may know different classes.
    """

    new: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    new_origin: Origin = (NO_VERSION, AnsweredBy.RULES)
    texts: tuple[str | None, ...] = ()

    @classmethod
    def of(cls, present: SignedScores, other: SignedScores, new: NDArray[np.bool_]) -> MixedScores:
        """Put the scores of two predictors into the order of the rows; ``new`` are the other one's."""
        score = np.empty(len(new))
        score[~new], score[new] = present.score, other.score
        texts = np.empty(len(new), dtype=object)
        texts[~new], texts[new] = present.labels(), other.labels()
        return cls(
            score,
            version=present.version,
            answered_by=present.answered_by,
            new=new,
            new_origin=(other.version, other.answered_by),
            texts=tuple(texts.tolist()),
        )

    def part(self, start: int, stop: int) -> MixedScores:
        """Return the scores of the rows from ``start`` to before ``stop``."""
        new, texts = self.new[start:stop], self.texts[start:stop]
        return replace(self, score=self.score[start:stop], new=new, texts=texts)

    def labels(self) -> list[str | None]:
        """Return the most likely class of each row, as whoever scored it says."""
        return list(self.texts)

    def origins(self) -> list[Origin]:
        """Return the origin of each row."""
        present = (self.version, self.answered_by)
        return [self.new_origin if new else present for new in self.new.tolist()]

    def rows_by_origin(self) -> Iterator[tuple[Origin, int]]:
        """Return how many rows each origin scored."""
        count = int(self.new.sum())
        yield (self.version, self.answered_by), len(self.new) - count
        yield self.new_origin, count


def join_scores(parts: Sequence[SignedScores]) -> SignedScores | None:
    """Return the scores of all parts, one after the other; None where they are not of the same origins.

    Examples
    --------
    >>> first = SignedScores(np.array([0.1]), version="3", answered_by=AnsweredBy.MODEL)
    >>> join_scores([first, first]).score.tolist()
    [0.1, 0.1]
    >>> join_scores([first, SignedScores(np.array([0.2]))]) is None
    True
    """
    origins = {(part.version, part.answered_by) for part in parts}
    mixed = [part for part in parts if isinstance(part, MixedScores)]
    if len(origins) > 1 or len({part.new_origin for part in mixed}) > 1:
        return None
    score = np.concatenate([part.score for part in parts])
    if mixed:
        new = np.concatenate([_is_new(part) for part in parts])
        texts = tuple(label for part in parts for label in part.labels())
        return replace(mixed[0], score=score, new=new, texts=texts)
    of_classes = [part.probabilities for part in parts if part.probabilities is not None]
    return replace(parts[0], score=score, probabilities=np.concatenate(of_classes) if of_classes else None)


def _is_new(part: SignedScores) -> NDArray[np.bool_]:
    return part.new if isinstance(part, MixedScores) else np.zeros(len(part.score), dtype=np.bool_)


def sign(scores: Scores, predictor: Predictor) -> SignedScores:
    """Return the scores with their origin; scores that were signed deeper inside keep theirs."""
    if isinstance(scores, SignedScores):
        return scores
    return SignedScores(
        scores.score, scores.probabilities, scores.classes, predictor.version, predictor.answered_by
    )

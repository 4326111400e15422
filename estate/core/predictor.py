"""The one contract of everything that answers: models, rules, and wrappers around either."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy, Scores


@runtime_checkable
class Predictor(Protocol):
    """Something that scores rows; wrappers take one and are one."""

    @property
    def version(self) -> str:
        """Registered version, or ``"rules"``."""
        ...

    @property
    def answered_by(self) -> AnsweredBy:
        """Who answers."""
        ...

    def predict_many(self, features: Frame) -> Scores:
        """Score every row of a frame of features.

        Raises
        ------
        DataError
            If a column is missing or of the wrong kind.
        """
        ...

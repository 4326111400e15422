"""What a model answers, and where the answer came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers

NO_VERSION = "rules"
"""The version of an answer that no trained model gave."""


class AnsweredBy(StrEnum):
    """Who gave the answer."""

    MODEL = "model"
    LAST_GOOD = "last_good"  # a model, loaded from disk because the registry could not be asked
    RULES = "rules"


@dataclass(frozen=True)
class Scores:
    """The answers for n rows.

    Parameters
    ----------
    score : float64 array of shape (n,)
        Binary: calibrated probability of the positive class in [0, 1]. Multiclass: probability of the most
        likely class. Regression: the predicted value, in the label's unit.
    probabilities : float64 array of shape (n, classes), optional
        Multiclass only; each row sums to 1.
    classes : tuple of str
        Names of the classes in the order of ``probabilities``; empty unless multiclass.
    """

    score: Numbers
    probabilities: NDArray[np.float64] | None = None
    classes: tuple[str, ...] = ()

    def labels(self) -> list[str | None]:
        """Return the most likely class of each row; None where the task has no classes."""
        if self.probabilities is None:
            return [None] * len(self.score)
        return [self.classes[i] for i in self.probabilities.argmax(axis=1)]


@dataclass(frozen=True)
class Prediction:
    """One answer as it is kept: append-only, exactly once by ``prediction_id``.

    Parameters
    ----------
    prediction_id : str
        UUID, made before the answer is sent.
    model, version : str
    answered_by : AnsweredBy
    entity_id : str or None
        Lead or case that was scored; None if the caller did not say.
    score : float
    label : str or None
        Most likely class (multiclass).
    features : mapping
        What the model read; None is missing. Never names, addresses or messages.
    fingerprint : str
        Of the feature set that computed ``features``.
    at : datetime
        When it was answered.
    """

    prediction_id: str
    model: str
    version: str
    answered_by: AnsweredBy
    entity_id: str | None
    score: float
    label: str | None
    features: Mapping[str, float | str | None]
    fingerprint: str
    at: datetime

"""What answers with a bundle's model, whatever format that is kept in."""

from __future__ import annotations

from abc import ABC, abstractmethod

from estate.bundles.bundle import Bundle
from estate.bundles.encoder import Matrix
from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy, Scores


class BundlePredictor(ABC):
    """Scores a frame of features with a bundle's model; safe to share between threads.

    Parameters
    ----------
    bundle : Bundle
    version : str
    answered_by : AnsweredBy
    """

    def __init__(self, bundle: Bundle, version: str, answered_by: AnsweredBy = AnsweredBy.MODEL) -> None:
        self.bundle = bundle
        self._version = version
        self._answered_by = answered_by

    @property
    def version(self) -> str:
        """Registered version."""
        return self._version

    @property
    def answered_by(self) -> AnsweredBy:
        """Who answers."""
        return self._answered_by

    @abstractmethod
    def load(self) -> None:
        """Read the model now, not at the first answer.

        Raises
        ------
        ArtifactError
            If it is not one that the platform loads.
        """

    def predict_many(self, features: Frame) -> Scores:
        """Score every row.

        Raises
        ------
        DataError
            If a feature is missing or of the wrong kind.
        """
        return self.predict_matrix(self.bundle.encoder.matrix(features))

    @abstractmethod
    def predict_matrix(self, matrix: Matrix) -> Scores:
        """Score every row of an encoded matrix of shape (n, columns)."""

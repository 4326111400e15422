"""Reasons on request: of each version what explains it is made once, and forgotten with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np

from estate.bundles.bundle_predictor import BundlePredictor
from estate.bundles.reasons import Reasons
from estate.bundles.words import titles
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from serving.answering import Answering
from serving.caches.kept_reasons import KeptReasons
from serving.predictors import MixedScores, SignedScores
from serving.predictors.cached import Cached
from serving.predictors.signed import Origin
from serving.qualities import Find, answering_of, nobody
from serving.schema import ReasonAnswer

MOST_EXPLAINED_ROWS = 100
"""Of one request: a row takes about as long as a few hundred scores."""


LookedUp = Callable[[str, int, int], object]
"""Told of a model how many rows were to be explained, and of how many the reasons were kept."""


def uncounted(_model: str, _rows: int, _hits: int) -> None:
    """Count nothing."""


class Explained:
    """Explains answers; safe to share between threads.

    Parameters
    ----------
    looked_up : callable, optional
    """

    def __init__(self, looked_up: LookedUp = uncounted) -> None:
        self._looked_up = looked_up
        self._lock = threading.Lock()
        self._known: WeakKeyDictionary[BundlePredictor, KeptReasons] = WeakKeyDictionary()

    def reasons_of(
        self,
        features: Frame,
        scores: SignedScores,
        bare: Answering,
        spec: ModelSpec,
        find: Find = nobody,
    ) -> list[list[ReasonAnswer] | None]:
        """Return the reasons of each row; None for rows that rules answered.

        Parameters
        ----------
        features : Frame
            n rows, after the feature functions.
        scores : SignedScores
            Of these rows; those of a canary too.
        bare : Answering
            What answers, without the wrappers around it.
        spec : ModelSpec
        find : callable
            Asked for the version that a canary tries.

        Raises
        ------
        LeadloopError
            If the bundle's reference can't be read, or a feature is missing.
        """
        made: list[list[ReasonAnswer] | None] = [None] * len(scores.score)
        for origin, rows in _rows_by_origin(scores):
            by = answering_of(origin, bare, find)
            predictor = _of_bundle(by)
            if predictor is None:
                continue
            found = self._of(predictor, spec).of(_part(features, rows), predictor)
            for row, reasons in zip(rows, found, strict=True):
                made[row] = reasons
        return made

    def _of(self, predictor: BundlePredictor, spec: ModelSpec) -> KeptReasons:
        with self._lock:
            known = self._known.get(predictor)
            if known is None:
                reasons = Reasons(predictor.bundle, titles(spec.features))
                known = self._known[predictor] = KeptReasons(reasons, partial(self._looked_up, spec.name))
            return known


def _of_bundle(answering: Answering | None) -> BundlePredictor | None:
    """Return the predictor itself, without the cache that a slow one has around it."""
    predictor = answering.predictor if answering is not None else None
    if isinstance(predictor, Cached):
        predictor = predictor.inner
    return predictor if isinstance(predictor, BundlePredictor) else None


def _rows_by_origin(scores: SignedScores) -> list[tuple[Origin, list[int]]]:
    present = scores.version, scores.answered_by
    if not isinstance(scores, MixedScores):
        return [(present, list(range(len(scores.score))))]
    sides = (present, np.flatnonzero(~scores.new)), (scores.new_origin, np.flatnonzero(scores.new))
    return [(origin, rows.tolist()) for origin, rows in sides if len(rows)]


def _part(features: Frame, rows: list[int]) -> Frame:
    return features if len(rows) == len(features) else features.take(np.asarray(rows, dtype=np.intp))

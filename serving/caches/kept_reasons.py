"""Reasons of rows that were explained lately: of one version, the same row has the same reasons."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic

import numpy as np
from cachetools import TTLCache

from estate.bundles.bundle_predictor import BundlePredictor
from estate.bundles.reasons import Reason, Reasons
from estate.core.frame import Frame
from serving.schema import ReasonAnswer

KEPT_ROWS = 4096
"""Of one version, some 2 KB each."""
KEEP_SECONDS = 600.0

_Row = tuple[bytes, tuple[str | None, ...]]
"""Numbers to the bit, and categories."""
LookedUp = Callable[[int, int], object]
"""Told how many rows were looked for, and how many of them were there."""


def uncounted(_rows: int, _hits: int) -> None:
    """Count nothing."""


class KeptReasons:
    """Explains rows by one bundle, each once in a while; safe to share between threads.

    Parameters
    ----------
    reasons : Reasons
    looked_up : callable, optional
    clock : callable, optional
        Seconds that only rise.
    """

    def __init__(
        self, reasons: Reasons, looked_up: LookedUp = uncounted, clock: Callable[[], float] = monotonic
    ) -> None:
        self._reasons, self._looked_up = reasons, looked_up
        self._kept: TTLCache[_Row, list[ReasonAnswer]] = TTLCache(KEPT_ROWS, KEEP_SECONDS, timer=clock)
        self._lock = threading.Lock()

    def of(self, features: Frame, predictor: BundlePredictor) -> list[list[ReasonAnswer]]:
        """Return the reasons of each row; rows that are not kept are explained together.

        Parameters
        ----------
        features : Frame
            n rows, after the feature functions.
        predictor : BundlePredictor
            What answers with the bundle.

        Raises
        ------
        LeadloopError
            If the bundle's reference can't be read, or a feature is missing.
        """
        rows = self._rows(features)
        with self._lock:
            found = {row: kept for row in rows if (kept := self._kept.get(row)) is not None}
        self._looked_up(len(rows), sum(row in found for row in rows))
        places = {row: place for place, row in enumerate(rows) if row not in found}
        if places:
            made = self._explained(features, list(places.values()), predictor)
            new = dict(zip(places, made, strict=True))
            with self._lock:
                self._kept.update(new)
            found |= new
        return [found[row] for row in rows]

    def _explained(
        self, features: Frame, places: Sequence[int], predictor: BundlePredictor
    ) -> list[list[ReasonAnswer]]:
        part = features if len(places) == len(features) else features.take(np.asarray(places, dtype=np.intp))
        return [[self._said(reason) for reason in of] for of in self._reasons.explain(part, predictor)]

    def _said(self, reason: Reason) -> ReasonAnswer:
        contribution = float(f"{reason.contribution:.6g}")
        return ReasonAnswer(reason.feature, reason.text, reason.direction, contribution, self._reasons.unit)

    def _rows(self, features: Frame) -> list[_Row]:
        columns = self._reasons.bundle.features
        numbers = [features[column.name] for column in columns if column.kind == "number"]
        texts = [features[column.name].tolist() for column in columns if column.kind == "category"]
        matrix = np.empty((len(features), len(numbers)), dtype=np.float64)
        for place, values in enumerate(numbers):
            matrix[:, place] = values
        categories = list(zip(*texts, strict=True)) if texts else [()] * len(features)
        return [(row.tobytes(), words) for row, words in zip(matrix, categories, strict=True)]

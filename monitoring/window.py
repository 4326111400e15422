"""Recent predictions of one version as columns, so that they can be laid beside the training reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from estate.bundles import InputColumn
from estate.core.frame import Column, Frame, Numbers
from estate.core.prediction import Prediction


@dataclass(frozen=True)
class Window:
    """What was judged.

    Parameters
    ----------
    features : Frame
        As the model read them.
    scores : float64 array of shape (rows,)
    fingerprints : tuple of str, one a row
        Of the feature set that computed the row.
    first, last : datetime or None
        Moments of the oldest and the newest row; None where there are no rows.
    """

    features: Frame
    scores: Numbers
    fingerprints: tuple[str, ...] = ()
    first: datetime | None = None
    last: datetime | None = None

    @property
    def rows(self) -> int:
        """How many predictions."""
        return len(self.scores)


def window_of(predictions: Sequence[Prediction], columns: Sequence[InputColumn]) -> Window:
    """Turn predictions into columns; a value that is absent or of the wrong kind is missing.

    Examples
    --------
    >>> window_of([], [InputColumn("visits_count_7d", "number")]).rows
    0
    """
    made: dict[str, Column] = {}
    for column in columns:
        values = [row.features.get(column.name) for row in predictions]
        made[column.name] = _numbers(values) if column.kind == "number" else _categories(values)
    moments = [row.at for row in predictions]
    return Window(
        features=Frame(made, len(predictions)),
        scores=np.array([row.score for row in predictions], dtype=np.float64),
        fingerprints=tuple(row.fingerprint for row in predictions),
        first=min(moments, default=None),
        last=max(moments, default=None),
    )


def _numbers(values: Sequence[float | str | None]) -> Column:
    # Text in a number column is no number; as missing it is found by the contract (MON101).
    return np.array([np.nan if v is None or isinstance(v, str) else v for v in values], dtype=np.float64)


def _categories(values: Sequence[float | str | None]) -> Column:
    return np.array([None if v is None else str(v) for v in values], dtype=object)

"""Recent predictions of one version as columns, so that they can be laid beside the training reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from estate.bundles import InputColumn
from estate.core.frame import Frame, Numbers
from estate.core.prediction import Prediction
from monitoring.tally import Known, Tally


@dataclass(frozen=True)
class Window:
    """What is judged: all rows are counted, and all or a sample of them kept.

    Parameters
    ----------
    features : Frame
        As the model read them; values of another type are missing.
    scores : float64 array of shape (rows,)
    fingerprints : mapping of str to int
        Rows by the feature set that computed them.
    first, last : datetime or None
        Moments of the oldest and the newest row; None where there are no rows.
    seen : int
        Rows that were counted; more than are kept where these are a sample.
    tallies : mapping of str to Tally
        Counts of each feature over all rows; empty: the contract counts the rows that are kept.
    """

    features: Frame
    scores: Numbers
    fingerprints: Mapping[str, int] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None
    seen: int = 0
    tallies: Mapping[str, Tally] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many predictions."""
        return max(self.seen, len(self.scores))

    @property
    def sampling_error(self) -> float:
        """How far a share of the sample may lie from that of all rows, with 95 %; 0 where all are kept.

        References
        ----------
        .. [1] P. Massart, "The tight constant in the Dvoretzky-Kiefer-Wolfowitz inequality", 1990.
        """
        kept = len(self.scores)
        return float(np.sqrt(np.log(2 / 0.05) / (2 * kept))) if 0 < kept < self.rows else 0.0


NO_ROWS = Window(Frame({}, 0), np.empty(0))


def window_of(predictions: Sequence[Prediction], columns: Sequence[InputColumn]) -> Window:
    """Turn a few predictions into columns; a value that is absent or of the wrong kind is missing.

    Examples
    --------
    >>> window_of([], [InputColumn("visits_count_7d", "number")]).rows
    0
    """
    rows = len(predictions)
    made = {
        column.name: Tally(Known(number=column.kind == "number")).add(
            [row.features.get(column.name) for row in predictions], rows
        )
        for column in columns
    }
    moments = [row.at for row in predictions]
    return Window(
        Frame(made, rows),
        np.array([row.score for row in predictions], dtype=np.float64),
        Counter(row.fingerprint for row in predictions),
        min(moments, default=None),
        max(moments, default=None),
    )

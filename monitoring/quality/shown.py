"""What came of homes that were shown: the label of the row of training that each became.

A score of a lead and a home is no chance that something happens after it was shown. It is what training
learned: the chance that a home which the lead looks at is saved, or toured, or is the one looked at among
eleven. So an answer is judged by the first row that training makes of the same lead and home within a day. A
home that became none says nothing of the score, and is no negative.

Whether a look becomes a row, and which, does not hang on its label: rows are looks, and for the choice also
ten homes drawn by chance beside each. So calibrated scores come true on these rows as often as they say, as
far as a day does not change what is known of the pair: on the simulated desk two days already do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.features.events import DAY_US
from estate.store.realised import FirstAnswers
from estate.training.pairs import PairLabels

Micros = NDArray[np.int64]
LOOK_DAYS = 1.0
"""So long after it was shown a look at a home counts: later, other things are known of the two."""


def labels_of_shown(
    rows: PairLabels, first: FirstAnswers, *, horizon_days: float, until: int
) -> tuple[Micros, Numbers]:
    """Return when the label of each of n answers is known, and the label.

    All answers of a day ripen on the same day, also those whose home was looked at at once: else who looks
    quickly would be judged before who looks late.

    Parameters
    ----------
    rows : PairLabels
        Rows of every look since the first answer, with unripe labels too.
    first : FirstAnswers
        n answers.
    horizon_days : float
    until : int
        Looks are known up to then; microseconds since 1970.

    Returns
    -------
    tuple of two arrays of shape (n,)
        Microseconds since 1970, and 0, 1, or NaN where it is not known or the home became no row.
    """
    import pandas as pd

    due = first.at + int((LOOK_DAYS + horizon_days) * DAY_US)
    known = pd.DataFrame({"name": rows.names, "at": rows.moment, "label": rows.label}).sort_values("at")
    asked = pd.DataFrame({"name": first.entity, "at": first.at})
    joined = pd.merge_asof(
        asked.astype({"name": object}),
        known.astype({"name": object}),
        on="at",
        by="name",
        direction="forward",
        tolerance=int(LOOK_DAYS * DAY_US),
    )
    return due, np.where(due <= until, joined["label"].to_numpy(dtype=np.float64), np.nan)

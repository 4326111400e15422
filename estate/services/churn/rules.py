"""The risk of losing a lead where no model is: the longer the silence, the higher."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Frame, Numbers


def churn_by_silence(features: Frame) -> Numbers:
    """Rise from 15 % without any silence to 60 % after two weeks of it; shape (n,), in [0, 1].

    Examples
    --------
    >>> churn_by_silence(Frame.of({"days_since_interaction": [0.0, 7.0, 30.0, None]})).round(3).tolist()
    [0.15, 0.375, 0.6, 0.6]
    """
    silence = np.nan_to_num(features["days_since_interaction"], nan=14.0)
    return 0.15 + 0.45 * np.clip(silence / 14.0, 0.0, 1.0)

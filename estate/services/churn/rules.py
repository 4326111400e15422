"""The risk of losing a lead where no model is: the longer the silence and our first answer, the higher."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Frame, Numbers


def churn_by_silence(features: Frame) -> Numbers:
    """Rise from 15 % to 55 % over two weeks of silence, and by 10 % over two days without an answer of ours.

    Shape (n,), in [0, 1]. What is not known counts as the worse.

    Examples
    --------
    >>> waited = {"first_response_hours_log": [0.0, 0.0, 9.0, None]}
    >>> rows = Frame.of({"silence_days": [0.0, 7.0, 30.0, None], **waited})
    >>> churn_by_silence(rows).round(3).tolist()
    [0.15, 0.35, 0.65, 0.65]
    """
    silence = np.nan_to_num(features["silence_days"], nan=14.0)
    waited = np.nan_to_num(np.expm1(features["first_response_hours_log"]), nan=48.0)
    return 0.15 + 0.4 * np.clip(silence / 14.0, 0.0, 1.0) + 0.1 * np.clip(waited / 48.0, 0.0, 1.0)

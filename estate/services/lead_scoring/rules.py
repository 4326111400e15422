"""The score of a lead where no model is: points for what any agent would look at."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Frame, Numbers


def conversion_by_engagement(features: Frame) -> Numbers:
    """Start at 4 % and double for each sign of intent: a tour, a reply, a saved listing; in [0, 1].

    Examples
    --------
    >>> names = ("tours_count_7d", "replies_count_7d", "listing_saves_count_7d")
    >>> conversion_by_engagement(Frame.of({name: [0.0, 2.0] for name in names})).tolist()
    [0.04, 0.32]
    """
    signs = [features[name] > 0 for name in ("tours_count_7d", "replies_count_7d", "listing_saves_count_7d")]
    return np.minimum(0.04 * 2.0 ** np.sum(signs, axis=0, dtype=np.float64), 0.9)

"""How far a column moves by itself: a market index is never where it was, and that is no news."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Column, Numbers
from monitoring.cells import Places, distance_of, places_of

SPANS = 20
LEAST_SPAN = 200
"""Rows: in shorter spans chance alone would look like wandering."""
SHUFFLES = 40


def wander(reference: Column) -> float:
    """Return the largest distance of one span of the reference's own time from the rest of it, in [0, 1].

    Permuted rows know nothing of time: they call every month of a slow column a drift. What the column did
    within the training's own time is what it may do without an alarm. What chance gives in spans of this size
    (the largest of 40 shuffles) is taken off: 0 where the column does no more than that.

    Parameters
    ----------
    reference : array of shape (rows,)
        In order of time.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> wander(np.arange(2000.0)) > 0.9
    True
    >>> wander(random.normal(size=2000)) < 0.1
    True
    """
    rows = len(reference)
    span = max(rows // SPANS, min(LEAST_SPAN, rows // 4))
    if not span or rows < 2 * span:
        return 0.0
    places, size = places_of(reference)
    ordered = reference.dtype != np.object_
    random = np.random.default_rng(rows)
    farthest = float(_farthest(places[None], size, span, ordered=ordered)[0])
    shuffled = random.permuted(np.broadcast_to(places, (SHUFFLES, rows)), axis=1)
    chance = float(_farthest(shuffled, size, span, ordered=ordered).max())
    return float(np.sqrt(max(0.0, farthest**2 - chance**2)))


def _farthest(places: Places, size: int, span: int, *, ordered: bool) -> Numbers:
    """Return the largest distance of any span, for each order of the rows; places of shape (orders, rows)."""
    orders, rows = places.shape
    spans = rows // span
    within = places[:, : spans * span].reshape(orders * spans, span)
    offsets = size * np.arange(orders * spans)[:, None]
    inside = np.bincount((within + offsets).ravel(), minlength=size * orders * spans)
    inside = inside.reshape(orders, spans, size)
    whole = np.bincount(places[0], minlength=size)
    difference = inside / span - (whole - inside) / (rows - span)
    farthest: Numbers = distance_of(difference, ordered=ordered).max(axis=1)
    return farthest

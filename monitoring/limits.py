"""What training knew of each column, and how far beyond it a value is out of range."""

from __future__ import annotations

import numpy as np

from estate.core.frame import Column, Numbers
from monitoring.drift import UNSTEADY, Sample
from monitoring.pace import moves_slowly
from monitoring.tally import Known
from monitoring.wander import wander

LEAST_KNOWN = 30


def known_of(reference: Sample) -> dict[str, Known]:
    """Return what the reference says of each feature."""
    return {name: _known(values) for name, values in reference.features.columns.items()}


def _known(values: Column) -> Known:
    if values.dtype == np.object_:
        return Known(number=False, levels=frozenset(value for value in values.tolist() if value is not None))
    return Known(True, *limits_of(values))


def limits_of(values: Numbers) -> tuple[float, float]:
    """Return the ends of the range, beyond which no value should lie.

    As far beyond training's smallest and largest value as these lie apart. Below 0 where it saw nothing
    below 0; above 1 where its parts of a whole lie from 0 to exactly 1. No limits for a column that stands
    still, or that goes where it has never been (a market index).

    Examples
    --------
    >>> limits_of(np.random.default_rng(0).permutation(np.linspace(100.0, 300.0, 50)))
    (0.0, 500.0)
    >>> limits_of(np.full(50, 7.0))
    (-inf, inf)
    """
    known = values[~np.isnan(values)]
    if (
        len(known) < LEAST_KNOWN
        or known.min() == known.max()
        or moves_slowly(values)
        or wander(known) > UNSTEADY
    ):
        return -np.inf, np.inf
    low, high = float(known.min()), float(known.max())
    if low >= 0.0 and high == 1.0 and (known % 1.0 != 0.0).any():
        return 0.0, 1.0
    span = high - low
    return (0.0 if low >= 0.0 else low - span), high + span

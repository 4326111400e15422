"""Beta calibration as three numbers: what a model in a vendor's own format is calibrated with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estate.core.frame import Numbers

EPSILON = 1e-5
"""Nearest that a probability comes to 0 or 1: an exported forest adds in float32 and is off by up to 1e-6,
which the logarithm would make large there."""


@dataclass(frozen=True)
class Calibration:
    """``sigmoid(a ln p - b ln(1 - p) + c)``.

    Examples
    --------
    >>> Calibration(1.0, 1.0, 0.0).apply(np.array([0.2, 0.9])).round(6).tolist()
    [0.2, 0.9]
    """

    a: float
    b: float
    c: float

    def apply(self, p: Numbers) -> Numbers:
        """Return calibrated probabilities of shape (n,)."""
        first, second = terms(p).T
        z = (
            self.a * first + self.b * second + self.c
        )  # no product of matrices: one row is to give the same bits
        calibrated: Numbers = 1.0 / (1.0 + np.exp(-z))
        return calibrated


def terms(p: Numbers) -> Numbers:
    """Return ``ln p`` and ``-ln(1 - p)`` of shape (n, 2)."""
    clipped = np.clip(p, EPSILON, 1.0 - EPSILON)
    return np.stack([np.log(clipped), -np.log1p(-clipped)], axis=1)

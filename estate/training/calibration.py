"""Probabilities that come true as often as they say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from estate.bundles.calibration import EPSILON, Calibration, terms
from estate.core.frame import Numbers


@dataclass(frozen=True)
class BetaCalibration:
    """``sigmoid(a ln p - b ln(1 - p) + c)``: three numbers, so that it can live inside the ONNX graph.

    Parameters
    ----------
    a, b : float
        At least 0, so that the order of scores stays.
    c : float

    References
    ----------
    Kull, Silva Filho, Flach (2017), "Beta calibration: a well-founded and easily implemented improvement on
    logistic calibration for binary classifiers", AISTATS.

    Examples
    --------
    >>> BetaCalibration(1.0, 1.0, 0.0).apply(np.array([0.2, 0.9])).round(6).tolist()
    [0.2, 0.9]
    """

    a: float
    b: float
    c: float

    @classmethod
    def fit(cls, p: Numbers, y: Numbers) -> BetaCalibration:
        """Fit on rows that the estimator has not seen; a term whose weight comes out negative is left out.

        Parameters
        ----------
        p : float64 array of shape (n,)
            Raw probabilities in [0, 1].
        y : float64 array of shape (n,)
            0 or 1.
        """
        weighed = terms(p)
        used = [0, 1]
        weights, c = _logistic(weighed, y)
        if (weights < 0).any():
            used = [int(np.argmax(weights))]
            weights, c = _logistic(weighed[:, used], y)
        if weights.max() <= 0:
            # These scores say nothing, or the wrong way round: the rate alone is left.
            return cls(0.0, 0.0, _logit(float(y.mean())))
        ab = np.zeros(2)
        ab[used] = weights
        return cls(float(ab[0]), float(ab[1]), c)

    def apply(self, p: Numbers) -> Numbers:
        """Return calibrated probabilities of shape (n,)."""
        return Calibration(self.a, self.b, self.c).apply(p)


def _logit(p: float) -> float:
    p = min(max(p, EPSILON), 1.0 - EPSILON)
    return float(np.log(p) - np.log1p(-p))


def _logistic(terms: Numbers, y: Numbers) -> tuple[Numbers, float]:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e4, max_iter=1000).fit(terms, y)
    return fitted.coef_[0], float(fitted.intercept_[0])

"""Probabilities that come true as often as they say."""

from __future__ import annotations

from collections.abc import Iterator
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
        """Fit on rows that the estimator has not seen, with no more numbers than they speak for.

        Three numbers always fit a little of the noise too. So the scores as they are, the scores with other
        odds, and the whole curve are compared by how well they fit, less half the logarithm of the rows for
        each number (Schwarz's criterion): scores that are calibrated already stay as they are. A term whose
        weight comes out negative is left out.

        Parameters
        ----------
        p : float64 array of shape (n,)
            Raw probabilities in [0, 1].
        y : float64 array of shape (n,)
            0 or 1.

        References
        ----------
        Schwarz (1978), "Estimating the Dimension of a Model", Annals of Statistics 6.
        """
        return min(_candidates(cls, p, y), key=lambda one: _description(one[0], one[1], p, y))[0]

    def apply(self, p: Numbers) -> Numbers:
        """Return calibrated probabilities of shape (n,)."""
        return Calibration(self.a, self.b, self.c).apply(p)


def _candidates(kind: type[BetaCalibration], p: Numbers, y: Numbers) -> Iterator[tuple[BetaCalibration, int]]:
    """Give what could be fitted, each with how many numbers were."""
    yield kind(1.0, 1.0, 0.0), 0
    yield kind(1.0, 1.0, _shift(p, float(y.mean()))), 1
    yield _curve(kind, p, y)


def _curve(kind: type[BetaCalibration], p: Numbers, y: Numbers) -> tuple[BetaCalibration, int]:
    weighed = terms(p)
    used = [0, 1]
    weights, c = _logistic(weighed, y)
    if (weights < 0).any():
        used = [int(np.argmax(weights))]
        weights, c = _logistic(weighed[:, used], y)
    if weights.max() <= 0:
        # These scores say nothing, or the wrong way round: the rate alone is left.
        return kind(0.0, 0.0, _logit(float(y.mean()))), 1
    ab = np.zeros(2)
    ab[used] = weights
    return kind(float(ab[0]), float(ab[1]), c), len(used) + 1


def _shift(p: Numbers, rate: float) -> float:
    """Return what log-odds are to be raised by so that the mean probability is the rate."""
    from scipy.optimize import brentq

    return float(brentq(lambda c: BetaCalibration(1.0, 1.0, c).apply(p).mean() - rate, -40.0, 40.0))


def _description(made: BetaCalibration, fitted: int, p: Numbers, y: Numbers) -> float:
    q = np.clip(made.apply(p), EPSILON, 1.0 - EPSILON)
    return float(-np.log(np.where(y == 1, q, 1.0 - q)).sum() + 0.5 * fitted * np.log(len(y)))


def _logit(p: float) -> float:
    p = min(max(p, EPSILON), 1.0 - EPSILON)
    return float(np.log(p) - np.log1p(-p))


def _logistic(terms: Numbers, y: Numbers) -> tuple[Numbers, float]:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=1e4, max_iter=1000).fit(terms, y)
    return fitted.coef_[0], float(fitted.intercept_[0])

"""Do scores still come true as often as they say (MON303).

How far binned scores and shares lie apart by chance depends on the rows, the bins and the scores; so labels
are
drawn from the scores themselves, at the very rows, and what they show is the null distribution.

References
----------
Cox (1958), "Two further applications of a model for binary regression", Biometrika 45: intercept and slope.
Bröcker, Smith (2007), "Increasing the reliability of reliability diagrams", Weather and Forecasting 22:
labels
drawn from the forecasts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.evidence import Measure
from estate.core.frame import Numbers
from estate.store.watch_passes import WatchFinding
from monitoring.holm import holm

ALARM_RATE = 0.01
BINS = 15
DRAWS = 1_000
LEAST_GAP = 0.1
"""Scores that are off by less than so much of the mean score are no finding, however many rows prove it."""
_EXACT_CELLS = 20_000_000
_EPSILON = 1e-6


@dataclass(frozen=True)
class Calibrated:
    """How well scores came true.

    Parameters
    ----------
    error : float
        Expected calibration error over 15 bins of equal count, in [0, 1].
    by_chance, bound : float
        Its mean, and what it passes in 1 of 100 cases, while scores are calibrated.
    intercept, slope : Measure
        Of the labels' log odds on the scores' own: 0 and 1 while scores are calibrated; 90 % intervals.
    findings : tuple of WatchFinding
        MON303, or nothing.
    """

    error: float
    by_chance: float
    bound: float
    intercept: Measure
    slope: Measure
    findings: tuple[WatchFinding, ...]


def check_calibration(y: Numbers, p: Numbers, *, seed: int = 0) -> Calibrated:
    """Judge n ripe rows; at most 1 of 100 calibrated windows gives a finding.

    Parameters
    ----------
    y : float64 array of shape (n,)
        0 or 1.
    p : float64 array of shape (n,)
        Probabilities in [0, 1].
    """
    order = np.argsort(p, kind="stable")
    y, p = y[order], np.clip(p[order], _EPSILON, 1.0 - _EPSILON)
    logit = np.log(p) - np.log1p(-p)
    starts = np.linspace(0, len(p), BINS + 1).astype(np.intp)[:-1]
    errors, scores = _null(p, logit, starts, seed)
    error, score = float(_errors(y[None], p, starts)[0]), float(_score(y[None], p, logit)[0])
    p_values = [
        (1 + int((null >= one - 1e-12).sum())) / (1 + DRAWS)
        for null, one in ((errors, error), (scores, score))
    ]
    certain = any(found for found, _ in holm(p_values, ALARM_RATE))
    gap = error - float(errors.mean())
    bound = float(np.quantile(errors, 1.0 - ALARM_RATE))
    intercept, slope = fit_line(y, logit)
    far = certain and gap > LEAST_GAP * float(p.mean())
    made = Calibrated(error, float(errors.mean()), bound, intercept, slope, ())
    return Calibrated(**{**vars(made), "findings": (_finding(made, y, p),)}) if far else made


def _finding(made: Calibrated, y: Numbers, p: Numbers) -> WatchFinding:
    lines = [f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f})" for one in (made.intercept, made.slope)]
    sentence = (
        f"scores do not come true as often as they say: calibration error {made.error:.4f} on {len(y)} ripe "
        f"rows, "
        f"where at most {made.bound:.4f} is chance; mean score {p.mean():.3f}, share of positives "
        f"{y.mean():.3f}; "
        f"intercept {lines[0]}, slope {lines[1]}"
    )
    return WatchFinding("MON303", None, made.error, made.bound, sentence)


def _null(p: Numbers, logit: Numbers, starts: NDArray[np.intp], seed: int) -> tuple[Numbers, Numbers]:
    """Draw labels from the scores; of many rows only the sums that are read of them, which are normal."""
    random = np.random.default_rng([seed, len(p)])
    if len(p) * DRAWS > _EXACT_CELLS:
        spread = np.sqrt(np.add.reduceat(p * (1.0 - p), starts))
        gaps = np.abs(random.normal(size=(DRAWS, BINS)) * spread)
        return gaps.sum(axis=1) / len(p), random.chisquare(2, DRAWS)
    errors, scores = [], []
    step = max(1, 2_000_000 // len(p))
    for first in range(0, DRAWS, step):
        drawn = (random.random((min(step, DRAWS - first), len(p))) < p).astype(np.float64)
        errors.append(_errors(drawn, p, starts))
        scores.append(_score(drawn, p, logit))
    return np.concatenate(errors), np.concatenate(scores)


def _errors(y: Numbers, p: Numbers, starts: NDArray[np.intp]) -> Numbers:
    """Return the calibration error of each row of labels, shape (draws,)."""
    gaps: Numbers = np.abs(np.add.reduceat(y - p, starts, axis=1)).sum(axis=1) / len(p)
    return gaps


def _score(y: Numbers, p: Numbers, logit: Numbers) -> Numbers:
    """Return Rao's statistic of "intercept 0 and slope 1" for each row of labels, shape (draws,)."""
    terms = np.stack([np.ones_like(logit), logit], axis=1)
    information = (terms * (p * (1.0 - p))[:, None]).T @ terms
    off = (y - p) @ terms
    found: Numbers = np.einsum("di,ij,dj->d", off, np.linalg.pinv(information), off)
    return found


def fit_line(y: Numbers, logit: Numbers) -> tuple[Measure, Measure]:
    """Return intercept and slope of the labels' log odds, with Wald's 90 % intervals."""
    terms = np.stack([np.ones_like(logit), logit], axis=1)
    weights = np.array([0.0, 1.0])
    inverse = np.eye(2)
    for _ in range(25):
        p = 1.0 / (1.0 + np.exp(-np.clip(terms @ weights, -30, 30)))
        inverse = np.linalg.pinv((terms * (p * (1.0 - p))[:, None]).T @ terms)
        step = np.clip(inverse @ (terms.T @ (y - p)), -2.0, 2.0)
        weights = weights + step
        if np.abs(step).max() < 1e-8:
            break
    half = 1.645 * np.sqrt(np.maximum(np.diag(inverse), 0.0))
    names = ("calibration_intercept", "calibration_slope")
    first, second = (
        Measure(name, float(w), float(w - h), float(w + h))
        for name, w, h in zip(names, weights, half, strict=True)
    )
    return first, second

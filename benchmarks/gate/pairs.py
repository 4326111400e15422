"""Two models on the same rows, drawn so that the true difference between them is known.

A score is normal in each class, with one standard deviation and the mean 0 in negatives, ``shift`` in
positives: its true ROC AUC is ``Phi(shift / sqrt(2))``. The noise of the two models is correlated, as that of
two models of the same leads is. Probabilities are the true ones given the score, unless they are made
overconfident on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from zlib import crc32

import numpy as np

from estate.core.frame import Numbers
from estate.core.prediction import Scores

ROWS = 5_000
CHAMPION_AUC = 0.75
BETTER, WORSE = 0.02, 0.01
"""Of ROC AUC."""
Kind = Literal["identical", "equal", "equal, of another shape", "worse", "better"]


@dataclass(frozen=True)
class Case:
    """One kind of pair.

    Parameters
    ----------
    metric : str
        ``roc_auc`` or ``log_loss``: the gate's.
    kind : str
        What the challenger is beside the champion, in truth. "Of another shape": for ROC AUC its positives
        are twice as spread; for log loss it orders better and is as much too sure of itself.
    positives : float
        Share of them, in (0, 1).
    correlation : float
        Of the two models' noise, in [0, 1).
    """

    metric: str
    kind: Kind
    positives: float
    correlation: float


def draw_pair(case: Case, seed: int) -> tuple[Numbers, tuple[Scores, Scores]]:
    """Return labels, and the scores of challenger and champion."""
    random = _random(case, seed)
    y = (random.random(ROWS) < case.positives).astype(np.float64)
    shared = random.standard_normal(ROWS)

    def noise() -> Numbers:
        own = random.standard_normal(ROWS)
        made: Numbers = np.sqrt(case.correlation) * shared + np.sqrt(1 - case.correlation) * own
        return made

    champion = _probable(noise(), y, case.positives, shift_of(CHAMPION_AUC))
    if case.kind == "identical":
        return y, (champion, champion)
    return y, (_challenger(case, noise(), y), champion)


def draw_tries(case: Case, seed: int) -> tuple[Numbers, Scores, Callable[[], Scores]]:
    """Return labels, the champion's scores, and what draws one more challenger on the same rows."""
    random = _random(case, seed)
    y = (random.random(ROWS) < case.positives).astype(np.float64)
    shared = random.standard_normal(ROWS)

    def one_more() -> Scores:
        own = random.standard_normal(ROWS)
        noise = np.sqrt(case.correlation) * shared + np.sqrt(1 - case.correlation) * own
        return _challenger(case, noise, y)

    return y, one_more(), one_more


def _random(case: Case, seed: int) -> np.random.Generator:
    """Return a stream of the case's own: cases that shared their rows would be lucky together."""
    return np.random.default_rng((crc32(repr(case).encode()), seed))


def shift_of(auc: float) -> float:
    """Return the distance of the classes, in standard deviations, that gives this ROC AUC."""
    from scipy.stats import norm

    return float(np.sqrt(2.0) * norm.ppf(auc))


def _challenger(case: Case, noise: Numbers, y: Numbers) -> Scores:
    match case.kind, case.metric:
        case "better", _:
            return _probable(noise, y, case.positives, shift_of(CHAMPION_AUC + BETTER))
        case "worse", _:
            return _probable(noise, y, case.positives, shift_of(CHAMPION_AUC - WORSE))
        case "equal, of another shape", "roc_auc":
            spread = np.where(y == 1, 2.0, 1.0)
            return Scores(_sigmoid(spread * noise + y * shift_of(CHAMPION_AUC) * np.sqrt(2.5)))
        case "equal, of another shape", _:
            certainty = _certainty(case.positives)
            return _probable(noise, y, case.positives, shift_of(CHAMPION_AUC + BETTER), certainty)
        case _:
            return _probable(noise, y, case.positives, shift_of(CHAMPION_AUC))


def _probable(noise: Numbers, y: Numbers, positives: float, shift: float, certainty: float = 1.0) -> Scores:
    return Scores(_sigmoid(certainty * _logits(noise + shift * y, positives, shift)))


def _logits(score: Numbers, positives: float, shift: float) -> Numbers:
    logits: Numbers = np.log(positives / (1 - positives)) + shift * score - shift**2 / 2
    return logits


def _sigmoid(logits: Numbers) -> Numbers:
    p: Numbers = 1.0 / (1.0 + np.exp(-logits))
    return p


@lru_cache
def _certainty(positives: float) -> float:
    """Return how much too large a better model's logits must be for it to lose as much as the champion."""
    from scipy.optimize import brentq

    aim = _expected_loss(positives, shift_of(CHAMPION_AUC), 1.0)
    shift = shift_of(CHAMPION_AUC + BETTER)
    return float(brentq(lambda t: _expected_loss(positives, shift, t) - aim, 1.0, 5.0))


def _expected_loss(positives: float, shift: float, certainty: float) -> float:
    """Return the mean log loss over the true distribution, by Gauss and Hermite."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    lost = [
        share * weights @ np.log1p(np.exp(-sign * certainty * _logits(nodes + mean, positives, shift)))
        for share, sign, mean in ((positives, 1, shift), (1 - positives, -1, 0.0))
    ]
    return float(sum(lost))

"""Weights of a mean, and which members of it are worth their place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from estate.core.frame import Numbers

STEPS, GAP = 5000, 1e-7
"""At most so many steps, or until the weights are within so many nats of the best."""
SMALLEST = 1e-3
"""A weight below this is none: its member would be asked on every request for nothing."""
NOISE = 0.5
"""Standard errors that leaving a member out must cost, or it is left out.

With a whole one, a vote of members that say much the same is soon down to one, and chance tells which."""
_TINY = 1e-12

Solve = Callable[[Numbers, Numbers], Numbers]
"""From what the members said, (members, n), and the rows' weights (n,) to weights of shape (members,)."""
Loss = Callable[[Numbers], Numbers]
"""From the weighted mean, (n,), to the loss of each row."""


@dataclass(frozen=True)
class Earned:
    """What one member is worth to the others.

    Parameters
    ----------
    name : str
    weight : float
        In [0, 1]; 0 if it was left out.
    gain : float
        How much higher the mean loss is without it, the others' weights learned anew; 0 where there were
        no rows to measure it on, infinite for a member that was alone from the start.
    error : float
        Standard error of that, paired by row.
    """

    name: str
    weight: float
    gain: float
    error: float


def choose_by_log_loss(names: Sequence[str], truth: Numbers, weight: Numbers) -> list[Earned]:
    """Choose members and weights by the log loss of the mean.

    Parameters
    ----------
    names : sequence of str
    truth : float64 array of shape (members, n)
        The probability that each member gave what came true.
    weight : float64 array of shape (n,)
        Of the rows; without rows all members weigh the same.

    Examples
    --------
    >>> rows = np.array([[0.9, 0.8, 0.7, 0.9], [0.5, 0.5, 0.5, 0.5]])
    >>> [(one.name, one.weight) for one in choose_by_log_loss(["good", "blind"], rows, np.ones(4))]
    [('good', 1.0), ('blind', 0.0)]
    """
    return _chosen(names, np.maximum(truth, _TINY), weight, _least_log_loss, lambda mean: -np.log(mean))


def choose_by_squared_error(names: Sequence[str], off: Numbers, weight: Numbers) -> list[Earned]:
    """Choose members and weights by the squared error of the mean.

    Parameters
    ----------
    off : float64 array of shape (members, n)
        What each member said, less what came true.
    """
    return _chosen(names, off, weight, _least_squares, np.square)


def _chosen(names: Sequence[str], said: Numbers, weight: Numbers, solve: Solve, loss: Loss) -> list[Earned]:
    """Leave out the member that earns least, again and again, as long as that costs no more than noise."""
    kept = list(range(len(names)))
    if not said.shape[1] or weight.sum() <= 0.0:
        return [Earned(name, 1.0 / len(names), 0.0, 0.0) for name in names]
    found = [Earned(name, 0.0, np.inf, 0.0) for name in names]
    while True:
        shares = solve(said[kept], weight)
        if len(kept) > 1:
            now = loss(shares @ said[kept])
            for place, member in enumerate(kept):
                rest = [other for other in kept if other != member]
                without = loss(solve(said[rest], weight) @ said[rest])
                gain, error = _mean(without - now, weight)
                found[member] = Earned(names[member], float(shares[place]), gain, error)
            least = min(kept, key=lambda member: (found[member].gain, -member))
            if found[least].gain <= NOISE * found[least].error or found[least].weight < SMALLEST:
                found[least] = replace(found[least], weight=0.0)
                kept.remove(least)
                continue
        for place, member in enumerate(kept):
            found[member] = replace(found[member], weight=float(shares[place]))
        return found


def _mean(values: Numbers, weight: Numbers) -> tuple[float, float]:
    """Return the weighted mean and its standard error."""
    total = float(weight.sum())
    mean = float(values @ weight) / total
    return mean, float(np.sqrt(np.square(weight * (values - mean)).sum())) / total


def _least_log_loss(truth: Numbers, weight: Numbers) -> Numbers:
    """Return the weights of the best mixture: the problem is convex, and each step improves it (EM).

    How far the loss is from the least possible is known at each step: by no more than the greatest of the
    members' mean ratios to the mixture exceeds 1.

    References
    ----------
    Dempster, Laird, Rubin (1977), "Maximum likelihood from incomplete data via the EM algorithm", JRSS B 39.
    """
    shares = np.full(len(truth), 1.0 / len(truth))
    of_row = weight / weight.sum()
    for _ in range(STEPS):
        ratio = truth @ (of_row / (shares @ truth))
        if ratio.max() - 1.0 < GAP:
            break
        shares = shares * ratio
    return np.asarray(shares / shares.sum())


def _least_squares(off: Numbers, weight: Numbers) -> Numbers:
    """Return the weights of the smallest squared error among those of sum 1, none below 0."""
    from scipy.optimize import nnls

    of_row = np.sqrt(weight / weight.sum())
    scale = np.sqrt(np.square(off * of_row).sum(axis=1).mean()) or 1.0
    # Of weights of sum 1 the mean is off by the weighted mean of what the members are off.
    shares, _ = nnls(np.vstack([(off * of_row / scale).T, np.full(len(off), 1e4)]), _unit(off.shape[1]))
    return np.asarray(shares / shares.sum())


def _unit(n: int) -> Numbers:
    return np.append(np.zeros(n), 1e4)

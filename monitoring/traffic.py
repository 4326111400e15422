"""Does the data still come, as much of it as usual, and each row once?

Nobody tells the platform how much is usual: it is what the last weeks brought. Daily counts vary more
than chance (weekends, campaigns), so their spread is taken from these weeks too, and as wide as they allow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from estate.store.traffic import Doubled
from estate.store.watch_passes import WatchFinding
from monitoring.chance import most_by_chance

Hours = NDArray[np.int64]
"""Rows in each hour before a moment, the last hour first."""
HISTORY = timedelta(days=60)
LEVEL = 1e-4
"""Of each check; there are at most five in a pass."""
SILENCE = 3.0
"""So many times the longest silence of the last weeks, and at least a day, is too long."""
LEAST_BUSY_HOURS = 30
"""Hours with any rows, of which the longest silence between them says what is usual."""
CHANGE = 3.0
"""So many times more or fewer rows than usual."""
LEAST_PERIODS = {1: 14, 7: 6}
"""Periods of so many days that are needed to know what is usual."""
DOUBLED_RISE = 0.3
LEAST_NAMED = 100
"""Rows that name their case, of which the share of repeats can be told."""


@dataclass(frozen=True)
class Traffic:
    """What came in before the end of a window.

    Parameters
    ----------
    predictions : int64 array of shape (hours,), optional
        Answers of the model, by whomever.
    facts : mapping of str to int64 array of shape (hours,)
        Facts that the desk learned, by kind, before the window's newest prediction.
    doubled, doubled_before : Doubled
        Repeated cases of the window, and of as many rows before it.
    """

    predictions: Hours = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    facts: Mapping[str, Hours] = field(default_factory=dict)
    doubled: Doubled = field(default_factory=lambda: Doubled(0, 0))
    doubled_before: Doubled = field(default_factory=lambda: Doubled(0, 0))


def check_traffic(traffic: Traffic) -> tuple[WatchFinding, ...]:
    """Return what is stale (MON112), of unusual volume (MON113), or repeated (MON114)."""
    stale = list(_stale("predictions", traffic.predictions))
    found = [*stale]
    for kind, hours in traffic.facts.items():
        found += _stale(kind, hours)
    if not stale:
        found += _volume(traffic.predictions)
    return (*found, *_doubled(traffic.doubled, traffic.doubled_before))


def _stale(what: str, hours: Hours) -> Iterator[WatchFinding]:
    busy = np.flatnonzero(hours)
    if len(busy) < LEAST_BUSY_HOURS:
        return
    silent, longest = int(busy[0]), int(np.diff(busy).max())
    threshold = max(24.0, SILENCE * longest)
    if silent > threshold:
        sentence = f"the newest of the {what} is {silent} hours old; before, {longest} hours at most"
        yield WatchFinding("MON112", None, float(silent), threshold, sentence)


def _volume(hours: Hours) -> Iterator[WatchFinding]:
    for days, least in LEAST_PERIODS.items():
        periods = len(hours) // (24 * days)
        counts = hours[: periods * 24 * days].reshape(periods, 24 * days).sum(axis=1)
        present = np.flatnonzero(counts)
        usual = (
            counts[1 : present[-1] + 1] if len(present) else counts[:0]
        )  # before the oldest nothing was kept
        if len(usual) < least:
            continue
        low, high = usual_range(usual)
        if not low <= counts[0] <= high:
            span = "day" if days == 1 else f"{days} days"
            sentence = (
                f"{counts[0]} predictions in the last {span}; usual are {usual.mean():.0f}, "
                f"and from {low:.0f} to {high:.0f} chance and the habits of the desk explain"
            )
            yield WatchFinding("MON113", None, float(counts[0]), low if counts[0] < low else high, sentence)
            return


def usual_range(counts: Sequence[int] | Hours) -> tuple[float, float]:
    """Return between which counts the next one lies, but for a chance of 1 in 10,000.

    A negative binomial with the counts' mean, and their spread as wide as they allow (99 %); never narrower
    than a third to three times the mean.

    Examples
    --------
    >>> low, high = usual_range([25, 31, 19, 28, 22, 24, 27, 30, 21, 26, 23, 25, 29, 20])
    >>> low < 5, high >= 75
    (True, True)
    """
    from scipy.stats import chi2, nbinom, poisson

    usual = np.asarray(counts, dtype=np.float64)
    mean, freedom = max(float(usual.mean()), 1e-9), len(usual) - 1
    # Poisson at least; the mean itself is known from these counts only.
    spread = max(1.0, float(usual.var(ddof=1)) / mean) * freedom / float(chi2.ppf(0.01, freedom))
    variance = mean * spread * (1 + 1 / len(usual))
    found = nbinom(mean**2 / (variance - mean), mean / variance) if variance > mean else poisson(mean)
    low, high = float(found.ppf(LEVEL / 2)), float(found.isf(LEVEL / 2))
    return min(low, mean / CHANGE), max(high, mean * CHANGE)


def _doubled(now: Doubled, before: Doubled) -> Iterator[WatchFinding]:
    if min(now.rows, before.rows) < LEAST_NAMED:
        return
    chance = most_by_chance(before.again, before.rows, rows=now.rows, level=LEVEL)
    threshold = max(chance, before.share + DOUBLED_RISE)
    if now.share > threshold:
        sentence = (
            f"{now.share:.0%} of {now.rows} predictions repeat another one, same case and same features; "
            f"before it were {before.share:.0%}"
        )
        yield WatchFinding("MON114", None, now.share, threshold, sentence)

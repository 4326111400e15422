"""Up to when outcomes are known, and whether they come later than they used to (MON305).

That no outcome is recorded of a lead is its label: "did not convert". So a feed that stands still, or brings
outcomes a month after they happened, would turn leads that converted into negatives. Outcomes count as known
only up to the last arrival of any, less the delay that 95 % of the recent ones keep to. A feed without delay
costs nothing by this; one that stands still lets no label ripen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.store.realised import Arrivals
from estate.store.watch_passes import WatchFinding
from monitoring.chance import most_by_chance

Micros = NDArray[np.int64]
_DAY_US = 86_400_000_000
_RECENT = 28 * _DAY_US
_LEVEL = 1e-3
"""Of each of the checks: they are made again and again, and a late feed is late by far."""
_LEAST = 20
_FAR = 0.2
_SILENT = 0.25
_PAST_WEEKS = 8
_SPANS = (7, 14, 28)  # whole weeks: on Sundays nobody writes outcomes down


@dataclass(frozen=True)
class Frontier:
    """What is known of outcomes.

    Parameters
    ----------
    until : int
        An outcome that happened up to then is known; microseconds since 1970.
    lateness : WatchFinding or None
        MON305 where they come later than they used to.
    """

    until: int
    lateness: WatchFinding | None = None


def frontier_of_arrivals(
    arrivals: Arrivals, happened: Micros, learned: Micros, *, now: datetime, what: str = "outcomes"
) -> Frontier:
    """Judge a feed of outcomes.

    Parameters
    ----------
    arrivals : Arrivals
        Of the whole desk.
    happened, learned : int64 array of shape (n,)
        Of the outcomes that followed an answer.
    what : str
        What the feed brings.
    """
    moment = round(now.timestamp() * 1e6)
    if arrivals.newest is None:
        return Frontier(0, _none_at_all(len(arrivals.daily), what))
    newest = round(arrivals.newest.timestamp() * 1e6)
    recent = learned > moment - _RECENT
    if recent.sum() < _LEAST:
        recent = learned >= np.sort(learned)[-_LEAST:].min(initial=moment)
    delays = learned - happened
    usual = int(np.quantile(delays[recent], 0.95, method="higher")) if recent.any() else 0
    until = min(moment, newest) - usual
    late = _delays(delays[~recent], delays[recent]) or _silence(arrivals.daily, what)
    if late is None:
        return Frontier(until)
    known = f"{now - timedelta(microseconds=moment - until):%Y-%m-%d}"
    told = f"{late.sentence}; {what} are known up to {known}, answers due later are not judged"
    return Frontier(until, WatchFinding(late.code, late.column, late.statistic, late.threshold, told))


def _none_at_all(days: int, what: str) -> WatchFinding:
    sentence = f"no {what} were recorded in {days} days: nothing can ripen"
    return WatchFinding("MON305", None, 0.0, 1.0, sentence)


def _delays(past: Micros, recent: Micros) -> WatchFinding | None:
    """Compare how long recent outcomes took to arrive with how long earlier ones did."""
    if min(len(past), len(recent)) < _LEAST:
        return None
    limit = int(np.quantile(past, 0.95)) + _DAY_US
    before, after = int((past > limit).sum()), int((recent > limit).sum())
    most = most_by_chance(before, len(past), rows=len(recent), level=_LEVEL)
    share = after / len(recent)
    if share <= max(most, before / len(past) + _FAR):
        return None
    middle = float(np.median(recent)) / _DAY_US
    sentence = (
        f"outcomes come late: {share:.0%} of the {len(recent)} that were learned last took more than "
        f"{limit / _DAY_US:.1f} days, {before / len(past):.0%} did before; half of them took {middle:.0f} "
        f"days"
    )
    return WatchFinding("MON305", None, share, max(most, before / len(past) + _FAR), sentence)


def _silence(daily: NDArray[np.int64], what: str) -> WatchFinding | None:
    """Compare what was recorded in the last weeks with those of the eight weeks before."""
    from scipy.stats import poisson

    for days in _SPANS:
        recent, past = daily[-days:].sum(), daily[-days - 7 * _PAST_WEEKS : -days]
        weeks = past.reshape(_PAST_WEEKS, 7).sum(axis=1)
        expected = past.mean() * days
        if expected < _LEAST or (weeks > 0).sum() < _PAST_WEEKS / 2:
            continue
        spread = max(1.0, float(weeks.var(ddof=1) / weeks.mean()))  # weeks differ by more than chance
        p_value = float(poisson.cdf(recent / spread, expected / spread))
        if recent < _SILENT * expected and p_value < _LEVEL / len(_SPANS):
            told = f"in the last {days} days, where {expected:.0f} are usual"
            sentence = f"{recent} {what} were recorded {told}"
            return WatchFinding("MON305", None, float(recent), _SILENT * float(expected), sentence)
    return None


def frontier_of_labels(due: Micros, y: Numbers, *, now: datetime) -> Frontier:
    """Judge a table of labels: a case past its horizon should have one.

    Parameters
    ----------
    due : int64 array of shape (n,)
        When the horizon of each answer is over.
    y : float64 array of shape (n,)
        NaN where there is no label.
    """
    moment = round(now.timestamp() * 1e6)
    over, recent = due <= moment, due > moment - _RECENT
    missing = np.isnan(y)
    past, new = missing[over & ~recent], missing[over & recent]
    if len(new) < _LEAST:
        return Frontier(moment)
    share, before = float(new.mean()), float(past.mean()) if len(past) >= _LEAST else 0.0
    chance = (
        most_by_chance(int(past.sum()), len(past), rows=len(new), level=_LEVEL)
        if len(past) >= _LEAST
        else 0.0
    )
    threshold = max(chance, before + _FAR)
    if share <= threshold:
        return Frontier(moment)
    sentence = (
        f"{share:.0%} of the {len(new)} answers whose horizon ended in the last {_RECENT // _DAY_US} days "
        f"have "
        f"no label, {before:.0%} of those before; they are not judged"
    )
    return Frontier(moment, WatchFinding("MON305", None, share, threshold, sentence))

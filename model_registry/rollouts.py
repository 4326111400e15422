"""Is a rollout to go on? A pure function of what the serving processes report.

The bounds are the rollout's own. Two of them compare two samples, and samples are noisy: there it is aborted
only for what noise does not explain: a canary is looked at twice a second, and a false alarm costs a day.

- load: one process refuses the version: aborted.
- errors: above ``most_errors`` of at least 20 rows: aborted.
- latency: the lower 95 % bound of its p95 is above ``most_slower`` times the present version's upper one.
- scores: the Kolmogorov-Smirnov distance is above ``most_shift`` by more than two samples of the same scores
  differ in one of 1,000 comparisons.

References
----------
Kolmogorov-Smirnov critical values: Smirnov, N. (1948), Annals of Mathematical Statistics 19, 279-281.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from estate.core.rollout import LATENCY_EDGES_MS, Rollout, RolloutKind, RolloutReport, Side

SILENT_AFTER = timedelta(seconds=10)
"""A process that has not reported for so long is gone, and so are its counts."""
FRESH = timedelta(seconds=5)
"""Blue-green: every process that reported so lately must be ready."""
LEAST_ROWS = 20
"""Fewer rows say nothing about errors."""
LEAST_REQUESTS = 100
"""Fewer requests, on either side, say nothing about the p95 latency."""
_SURE = 1.645  # standard deviations: one-sided 95 %
_NOISE = math.sqrt(-math.log(0.001 / 2) / 2)


@dataclass(frozen=True)
class Verdict:
    """What is to be done with an open rollout, and why, with the numbers."""

    action: Literal["go_on", "promote", "abort", "end"]
    why: str


def verdict(rollout: Rollout, reports: Sequence[RolloutReport], now: datetime) -> Verdict:
    """Judge a rollout by what its processes report.

    Examples
    --------
    >>> verdict(Rollout(kind=RolloutKind.CANARY), [], datetime.now())
    Verdict(action='go_on', why='No serving process has reported in the last 10 s.')
    """
    live = [report for report in reports if report.at > now - SILENT_AFTER]
    if not live:
        return Verdict("go_on", f"No serving process has reported in the last {SILENT_AFTER.seconds} s.")
    for report in live:
        if report.state == "refused":
            return Verdict("abort", f"{report.process} can't serve it: {report.problem or 'no reason given'}")
    if rollout.kind in (RolloutKind.BLUE_GREEN, RolloutKind.ALL_AT_ONCE):
        return _all_ready(live, now)
    new, old = total([report.candidate for report in live]), total([report.stable for report in live])
    harm = _errors(rollout, new) or _latency(rollout, new, old) or _scores(rollout, new, old)
    if harm:
        return Verdict("abort", harm)
    said = summary(new, old)
    if new.rows < rollout.requests:
        return Verdict("go_on", f"{new.rows} of {rollout.requests} rows scored. {said}")
    return Verdict("end" if rollout.kind is RolloutKind.SHADOW else "promote", said)


def total(sides: Sequence[Side]) -> Side:
    """Add up what several processes saw."""
    return Side(
        rows=sum(side.rows for side in sides),
        errors=sum(side.errors for side in sides),
        latency=tuple(sum(counts) for counts in zip(*(side.latency for side in sides), strict=True)),
        scores=tuple(sum(counts) for counts in zip(*(side.scores for side in sides), strict=True)),
    )


def quantile_ms(latency: Sequence[int], q: float) -> float:
    """Return a quantile of a latency histogram in milliseconds, read off linearly within its bin.

    Examples
    --------
    >>> quantile_ms((0, 0, 100, *[0] * 11), 0.5)
    0.75
    """
    edges = (0.0, *LATENCY_EDGES_MS, 2 * LATENCY_EDGES_MS[-1])
    rank, below = min(max(q, 0.0), 1.0) * sum(latency), 0
    for (low, high), count in zip(pairwise(edges), latency, strict=True):
        if count and below + count >= rank:
            return low + (high - low) * (rank - below) / count
        below += count
    return 0.0


def distance(first: Sequence[int], second: Sequence[int]) -> float:
    """Return the Kolmogorov-Smirnov distance of two histograms over the same bins, in [0, 1].

    Examples
    --------
    >>> distance((10, 0), (5, 5))
    0.5
    """
    n, m = sum(first), sum(second)
    greatest = a = b = 0.0
    for one, other in zip(first, second, strict=True):
        a, b = a + one / n, b + other / m
        greatest = max(greatest, abs(a - b))
    return greatest


def noise(n: int, m: int) -> float:
    """Return the distance that two samples of the same scores exceed once in 1,000 times."""
    return _NOISE * math.sqrt((n + m) / (n * m))


def summary(new: Side, old: Side) -> str:
    """Return the numbers of both sides as a sentence."""
    parts = [f"{new.rows} rows, {new.errors} errors ({_share(new):.2%}); the present version {old.rows}"]
    if min(sum(new.latency), sum(old.latency)) > 0:
        p95 = [quantile_ms(side.latency, 0.95) for side in (new, old)]
        parts.append(f"p95 {p95[0]:.2f} ms, the present version {p95[1]:.2f} ms")
    if min(sum(new.scores), sum(old.scores)) > 0:
        parts.append(f"distance of the scores {distance(new.scores, old.scores):.3f}")
    else:
        parts.append("nothing to compare the scores with")
    return "; ".join(parts) + "."


def _all_ready(live: Sequence[RolloutReport], now: datetime) -> Verdict:
    fresh = [report for report in live if report.at > now - FRESH]
    ready = [report for report in fresh if report.state == "ready"]
    said = f"{len(ready)} of {len(fresh)} serving processes have it loaded and checked."
    return Verdict("promote" if ready and len(ready) == len(fresh) else "go_on", said)


def _share(side: Side) -> float:
    return side.errors / side.rows if side.rows else 0.0


def _errors(rollout: Rollout, new: Side) -> str | None:
    if new.rows < LEAST_ROWS or _share(new) <= rollout.most_errors:
        return None
    failed = f"{new.errors} of {new.rows} rows ({_share(new):.2%})"
    return f"It failed on {failed}; at most {rollout.most_errors:.2%} is allowed."


def _latency(rollout: Rollout, new: Side, old: Side) -> str | None:
    n, m = sum(new.latency), sum(old.latency)
    if min(n, m) < LEAST_REQUESTS:
        return None
    low = quantile_ms(new.latency, 0.95 - _SURE * math.sqrt(0.95 * 0.05 / n))
    high = quantile_ms(old.latency, 0.95 + _SURE * math.sqrt(0.95 * 0.05 / m))
    if low <= rollout.most_slower * high:
        return None
    return (
        f"Its p95 latency is at least {low:.2f} ms over {n} requests, the present version's at most"
        f" {high:.2f} ms over {m}: more than {rollout.most_slower:g} times."
    )


def _scores(rollout: Rollout, new: Side, old: Side) -> str | None:
    n, m = sum(new.scores), sum(old.scores)
    if min(n, m) == 0:
        return None
    found, chance = distance(new.scores, old.scores), noise(n, m)
    if found <= rollout.most_shift + chance:
        return None
    return (
        f"Its scores are another distribution: distance {found:.3f} over {n} and {m} rows, at most"
        f" {rollout.most_shift:g}, and {chance:.3f} more is chance."
    )

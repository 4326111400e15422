"""One rule a code: what was counted between two looks, beside its limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from estate.store.watch_passes import WatchFinding
from monitoring.operations.limits import Limits
from monitoring.operations.serving_numbers import ServingAway, quantile, within
from monitoring.operations.share import at_least

Grown = Mapping[str, float]
"""By how much each counter grew since the look before; empty at the first look."""

_SLOWEST = 0.05
_NEW = 0.2
"""Weight of the newest look in what is usual of the caches."""


@dataclass(frozen=True)
class Seen:
    """Whether a code could be judged, and what was found if so."""

    code: str
    judged: bool
    finding: WatchFinding | None = None


def latency(grown: Grown, limits: Limits) -> Seen:
    """MON411: more than 5 of 100 requests take longer than the limit."""
    counts = within(grown)
    total = counts[-1][1] if counts else 0.0
    if total < limits.least:
        return Seen("MON411", judged=False)
    quick = next(n for edge, n in counts if edge >= limits.p95_seconds)
    if at_least(total - quick, total) <= _SLOWEST:
        return Seen("MON411", judged=True)
    p95 = quantile(counts, 1 - _SLOWEST)
    sentence = (
        f"{(total - quick) / total:.1%} of {total:.0f} requests took longer than {limits.p95_seconds:g} s; "
        f"95 of 100 were answered within about {p95:.2g} s"
    )
    return _found("MON411", p95, limits.p95_seconds, sentence)


def errors(grown: Grown, limits: Limits) -> Seen:
    """MON412: requests end with 5xx, besides those that were turned away."""
    failed = max(0.0, grown.get("errors", 0) - grown.get("shed", 0))
    said = "of {of:.0f} requests ended with 5xx"
    return _share("MON412", failed, grown.get("requests", 0), limits.error_share, said, limits)


def fallback(by_rules: int, answers: int, limits: Limits) -> Seen:
    """MON413: rules answer while a version is in production."""
    said = "of {of:.0f} answers were given by rules, though a version is in production"
    return _share("MON413", by_rules, answers, limits.fallback_share, said, limits)


def cache(grown: Grown, usual: float | None, limits: Limits) -> tuple[Seen, float | None]:
    """MON414: caches answer far less than usual, or fail; returns what is usual from now on, too."""
    looked_up = grown.get("hits", 0) + grown.get("misses", 0)
    failed = _share(
        "MON414",
        min(grown.get("cache_errors", 0), looked_up),
        looked_up,
        limits.cache_error_share,
        "of {of:.0f} look-ups failed in a cache",
        limits,
    )
    if not failed.judged:
        return failed, usual
    hits = grown.get("hits", 0) / looked_up
    if failed.finding is not None:
        return failed, usual
    if usual is None:
        return failed, hits
    if at_least(looked_up - grown.get("hits", 0), looked_up) > 1 - usual * limits.cache_fall:
        sentence = f"caches answered {hits:.1%} of {looked_up:.0f} look-ups; {usual:.1%} was usual"
        return _found("MON414", hits, usual * limits.cache_fall, sentence), usual
    return failed, (1 - _NEW) * usual + _NEW * hits


def queue(grown: Grown, waiting: float, room: int, limits: Limits) -> Seen:
    """MON415: requests are turned away, or the queue is long at this moment."""
    if waiting > limits.queue_share * room:
        sentence = f"{waiting:.0f} rows wait to be scored; a process takes {room}"
        return _found("MON415", waiting, limits.queue_share * room, sentence)
    said = "of {of:.0f} requests were turned away: too busy"
    shed = _share("MON415", grown.get("shed", 0), grown.get("requests", 0), limits.shed_share, said, limits)
    # Nobody asks and nobody waits: that is well, and heals what was found under load.
    return shed if shed.finding else Seen("MON415", judged=bool(grown))


def log_behind(grown: Grown, behind_seconds: float, limits: Limits) -> Seen:
    """MON416: answers wait for the database for long, or were lost or refused since the last look."""
    lost, refused = grown.get("dropped", 0), grown.get("refused", 0)
    if lost or refused:
        sentence = f"{lost:.0f} answers were lost on the way to the database, {refused:.0f} refused by it"
        return _found("MON416", lost + refused, 0.0, sentence)
    if behind_seconds > limits.behind_seconds:
        sentence = f"the oldest answer that is not in the database is {behind_seconds:.0f} s old"
        return _found("MON416", behind_seconds, limits.behind_seconds, sentence)
    return Seen("MON416", judged=True)


def away(error: ServingAway | None) -> Seen:
    """MON417: serving does not say how it does."""
    if error is None:
        return Seen("MON417", judged=True)
    sentence = f"serving did not say how it does ({error.got}): {error.todo}"
    return Seen("MON417", judged=True, finding=WatchFinding("MON417", None, None, None, sentence))


def _share(code: str, times: float, of: float, limit: float, said: str, limits: Limits) -> Seen:  # noqa: PLR0913, PLR0917
    if of < limits.least:
        return Seen(code, judged=False)
    if at_least(times, of) <= limit:
        return Seen(code, judged=True)
    return _found(code, times / of, limit, f"{times / of:.1%} {said.format(of=of)}; {limit:.1%} is the limit")


def _found(code: str, statistic: float, threshold: float, sentence: str) -> Seen:
    return Seen(code, judged=True, finding=WatchFinding(code, None, statistic, threshold, sentence))

"""A changed mix of traffic in words: which shares moved, which level is new, and what that explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from estate.core.frame import Categories
from estate.store.watch_passes import WatchFinding
from monitoring.drift import LEAST_EFFECT, Sample, Shift

NEW_SHARE = 0.02
"""Rows that new levels took, above which they are told of by themselves."""


def mix_findings(reference: Sample, window: Sample, shifts: Sequence[Shift]) -> tuple[WatchFinding, ...]:
    """Say which traffic changed (MON211, MON212), and which shifts that explains.

    Parameters
    ----------
    shifts : sequence of Shift
        As :func:`monitoring.mix.explain_by_mix` returned them.
    """
    found: list[WatchFinding] = []
    for shift in shifts:
        if shift.drifted and shift.column is not None and shift.explained_by == shift.column:
            before, now = reference.features[shift.column], window.features[shift.column]
            found += _of_column(shift, _shares(before), _shares(now), _explains(shift.column, shifts))
    return tuple(found)


def _of_column(
    shift: Shift, before: dict[str | None, float], now: dict[str | None, float], explains: str
) -> list[WatchFinding]:
    new = {level: share for level, share in now.items() if level is not None and level not in before}
    took = sum(new.values())
    found = []
    if took > NEW_SHARE:
        named = ", ".join(f"{level} {share:.0%}" for level, share in sorted(new.items(), key=_largest)[:3])
        sentence = f"`{shift.column}` has levels that training never saw: {named[:100]} of the rows{explains}"
        found.append(WatchFinding("MON212", shift.column, took, NEW_SHARE, sentence))
    if not found or shift.statistic - took > LEAST_EFFECT:
        moved = sorted(before, key=lambda level: -abs(now.get(level, 0.0) - before[level]))[:2]
        named = ", ".join(
            f"{level or 'missing'} {before[level]:.0%} to {now.get(level, 0):.0%}" for level in moved
        )
        sentence = f"the mix of `{shift.column}` shifted: {named[:100]}{explains if not found else ''}"
        found.append(WatchFinding("MON211", shift.column, shift.statistic, shift.threshold, sentence))
    return found


def _explains(column: str, shifts: Sequence[Shift]) -> str:
    named = [
        f"`{s.column}`" if s.column else "the scores"
        for s in shifts
        if s.drifted and s.explained_by is not None and s.column != column
        and column in s.explained_by.split(" and ")
    ]  # fmt: skip
    more = f" and {len(named) - 5} more" if len(named) > 5 else ""
    return f"; that explains why {', '.join(named[:5])}{more} moved" if named else ""


def _shares(values: Categories) -> dict[str | None, float]:
    return {level: count / len(values) for level, count in Counter(values.tolist()).items()}


def _largest(item: tuple[str | None, float]) -> float:
    return -item[1]

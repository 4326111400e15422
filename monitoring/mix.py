"""Did the world move, or did other people come? A changed mix of traffic, and what it explains.

Traffic is told apart by the model's low-cardinality categories (2 to 20 levels in training) that
change from row to row: source, channel, area. One whose shares drifted is a changed mix (MON211),
or a new level (MON212).

What else drifted is then judged again *within* the levels: rows of reference and window change places
only with rows of their own level, so the window keeps its mix in every draw. That is the reference
reweighted to the window's mix, with a null distribution that is exact at the actual sizes. A shift
is explained if it is within chance there, at a level that is far less strict than the one it was found
at. A level that training never saw has nothing to be compared with: its rows are left out, and the
others judged.

References
----------
.. [1] W. G. Cochran, "Some methods for strengthening the common chi-square tests", Biometrics 10, 1954.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from estate.core.frame import Categories, Column, Numbers
from monitoring.cells import Counts, Places, distance_of, places_of
from monitoring.drift import ALARM_RATE, LEAST_EFFECT, Sample, Shift
from monitoring.pace import moves_slowly
from monitoring.strength import directions_of, strength_of
from monitoring.tail import share_far_out

MOST_LEVELS = 20
LEAST_LEVEL_ROWS = 5
"""Reference rows of a level that the window's rows of that level can be compared with."""
LEAST_ROWS = 30
DRAWS = 2_000
MOST_MIXES = 2
"""Columns of the traffic that are held still together where none of them alone explains a shift."""


@dataclass(frozen=True)
class Within:
    """A column judged within the levels of the traffic.

    Parameters
    ----------
    distance : float
        In [0, 1], of the window from the reference reweighted to the window's mix.
    p_value : float
    """

    distance: float
    p_value: float


def mix_columns(reference: Sample) -> tuple[str, ...]:
    """Return the categories that tell traffic apart: 2 to 20 levels, not standing still as a month does."""
    return tuple(
        name
        for name, values in reference.features.columns.items()
        if values.dtype == np.object_
        and 2 <= len({value for value in values.tolist() if value is not None}) <= MOST_LEVELS
        and not moves_slowly(values)
    )


def explain_by_mix(
    reference: Sample,
    window: Sample,
    shifts: Sequence[Shift],
    *,
    alarm_rate: float = ALARM_RATE,
    seed: int = 0,
) -> tuple[Shift, ...]:
    """Say of each shift whether a changed mix of traffic explains it.

    Parameters
    ----------
    shifts : sequence of Shift
        As :func:`monitoring.drift.find_shifts` returned them for these samples.
    """
    known = set(mix_columns(reference))
    by_size = sorted((s for s in shifts if s.drifted), key=lambda s: -s.statistic)
    mixes = [s.column for s in by_size if s.column in known and s.column is not None]
    others = [s for s in by_size if s.column not in mixes]
    if not mixes or not others:
        return tuple(replace(s, explained_by=s.column) if s.column in mixes else s for s in shifts)
    held: list[tuple[str, ...]] = [(name,) for name in mixes]
    if len(mixes) >= MOST_MIXES:
        held.append(tuple(mixes[:MOST_MIXES]))
    explained: dict[str | None, str] = {name: name for name in mixes}
    for names in held:
        strata = _strata(reference, window, names)
        for shift in others:
            if shift.column in explained:
                continue
            before, now = _values(reference, shift.column), _values(window, shift.column)
            within = judge_within(before, now, *strata, seed=seed)
            if within and _explained(within, alarm_rate / len(others)):
                explained[shift.column] = " and ".join(names)
    return tuple(replace(s, explained_by=explained.get(s.column)) if s.drifted else s for s in shifts)


def _explained(within: Within, level: float) -> bool:
    return within.p_value > level or within.distance <= LEAST_EFFECT


def _values(sample: Sample, column: str | None) -> Column:
    return sample.scores if column is None else sample.features[column]


def _strata(reference: Sample, window: Sample, names: Sequence[str]) -> tuple[Categories, Categories]:
    """Return the level of each row, of the columns together."""

    def of(sample: Sample) -> Categories:
        listed = zip(*(sample.features[name].tolist() for name in names), strict=True)
        return np.array([repr(levels) for levels in listed], dtype=object)

    return of(reference), of(window)


def judge_within(
    before: Column, now: Column, before_levels: Categories, now_levels: Categories, *, seed: int = 0
) -> Within | None:
    """Compare two samples of a column within levels; None where too few rows of known levels are left.

    Parameters
    ----------
    before, now : array of shape (rows,)
    before_levels, now_levels : object array of shape (rows,)
        The level of each row.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> def rows(web, n):
    ...     source = np.where(rng.random(n) < web, "web", "tv").astype(object)
    ...     return rng.normal(np.where(source == "web", 0.0, 2.0)), source
    >>> (before, old), (now, new) = rows(0.2, 2000), rows(0.8, 300)
    >>> judge_within(before, now, old, new).p_value > 0.01
    True
    """
    inside = _inside(before, now, before_levels, now_levels)
    if inside is None:
        return None
    reference, window = inside  # rows of each level in each cell
    rows = window.sum(axis=1)
    pooled = reference + window
    expected = (pooled * (rows / pooled.sum(axis=1))[:, None]).sum(axis=0)
    ordered = before.dtype != np.object_
    directions = directions_of(pooled.sum(axis=0), int(rows.sum()), ordered=ordered)
    strength = float(strength_of(window.sum(axis=0) - expected, directions))
    draws = strength_of(_draw(pooled, rows, seed) - expected, directions)
    weighted = (reference / reference.sum(axis=1)[:, None] * (rows / rows.sum())[:, None]).sum(axis=0)
    distance = float(distance_of(window.sum(axis=0) / rows.sum() - weighted, ordered=ordered))
    return Within(distance, share_far_out(draws, strength))


def _draw(pooled: Counts, rows: Counts, seed: int) -> Numbers:
    """Draw windows level by level and return their counts; shape (draws, cells)."""
    random = np.random.default_rng([seed, len(rows)])
    drawn = np.zeros((DRAWS, pooled.shape[1]))
    for level, size in zip(pooled, rows, strict=True):
        drawn += random.multivariate_hypergeometric(level, int(size), size=DRAWS, method="marginals")
    return drawn


def _inside(
    before: Column, now: Column, before_levels: Categories, now_levels: Categories
) -> tuple[Counts, Counts] | None:
    """Count the rows of levels that both samples have; each of shape (levels, cells)."""
    levels, old = np.unique(before_levels, return_counts=True)
    known = np.intersect1d(levels[old >= LEAST_LEVEL_ROWS], np.unique(now_levels))
    kept_before, kept_now = np.isin(before_levels, known), np.isin(now_levels, known)
    if kept_now.sum() < LEAST_ROWS:
        return None
    places, size = places_of(np.concatenate([before[kept_before], now[kept_now]]))
    split = int(kept_before.sum())
    return (
        _count(places[:split], np.searchsorted(known, before_levels[kept_before]), (len(known), size)),
        _count(places[split:], np.searchsorted(known, now_levels[kept_now]), (len(known), size)),
    )


def _count(places: Places, levels: Places, shape: tuple[int, int]) -> Counts:
    flat = np.bincount(levels * shape[1] + places, minlength=shape[0] * shape[1])
    return flat.reshape(shape)

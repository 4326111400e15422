"""Has the world moved: every feature and the scores, against chance, at a stated false-alarm rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from estate.core.frame import Column, Frame, Numbers
from estate.store.watch_passes import WatchFinding
from monitoring.cells import Cells, cells_of
from monitoring.holm import holm, weights_of
from monitoring.null_distribution import Judgement, NullDistribution
from monitoring.tail import quantile_far_out
from monitoring.visible import smallest_visible
from monitoring.wander import wander

ALARM_RATE = 0.01
"""Share of passes with any alarm while nothing has changed, where no budget says otherwise."""
LEAST_EFFECT = 0.035
"""A distance of at most this is no alarm however certain it is: about 0.09 standard deviations. If a shift
costs anything is for the quality to say; this only spares people trifles."""
UNSTEADY = 0.4
"""A column whose spans lie so far apart within the training's own time is never where it was: no alarm."""


class Sample(Protocol):
    """Features and scores of some rows: the training reference, or a window."""

    @property
    def features(self) -> Frame:
        """One column a feature."""
        ...

    @property
    def scores(self) -> Numbers:
        """What the model answered, of shape (rows,)."""
        ...


@dataclass(frozen=True)
class Shift:
    """How far one column lies from the reference.

    Parameters
    ----------
    column : str or None
        None: the scores.
    statistic : float
        In [0, 1]: largest difference of the distribution functions (numbers), total variation (categories).
    threshold : float
        About the least statistic that is an alarm here.
    p_value : float
        Share of windows that speak so strongly against "nothing has changed" while nothing has; 1 below the
        least effect, and where the reference itself moved as far within its own time.
    drifted : bool
    smallest_visible : float
        The smallest distance that would have been seen in four of five windows of this size.
    smallest_visible_sd : float or None
        The same in standard deviations of the reference; None for categories.
    explained_by : str or None
        The traffic whose changed mix explains the shift (:mod:`monitoring.mix`); may be the column itself.
    """

    column: str | None
    statistic: float
    threshold: float
    p_value: float
    drifted: bool
    smallest_visible: float = 1.0
    smallest_visible_sd: float | None = None
    explained_by: str | None = None

    @property
    def real(self) -> bool:
        """Whether it drifted, and no changed mix of traffic explains it."""
        return self.drifted and self.explained_by is None


@dataclass(frozen=True)
class JudgedColumn:
    """A column and what came of it.

    Parameters
    ----------
    name : str or None
        None: the scores.
    cells : Cells
    judgement : Judgement
    floor : float
        Distance that is no alarm however certain it is.
    """

    name: str | None
    cells: Cells
    judgement: Judgement
    floor: float

    @property
    def p_value(self) -> float:
        """1 at or below the floor.

        Raising a p-value to 1 keeps it valid, so the floors cost the correction nothing.
        """
        return self.judgement.p_value if self.judgement.distance > self.floor else 1.0


def find_shifts(
    reference: Sample,
    window: Sample,
    *,
    alarm_rate: float = ALARM_RATE,
    importance: Mapping[str, float] | None = None,
    seed: int = 0,
) -> tuple[Shift, ...]:
    """Judge every feature that both samples have, and the scores.

    Parameters
    ----------
    reference, window : Sample
        At least one row each; the reference in order of time.
    alarm_rate : float
        Of the whole pass: Holm's correction holds it over all columns, dependent or not.
    importance : mapping of str to float, optional
        What each feature is worth to the model, by which the rate is shared out; equally if not given.

    Examples
    --------
    >>> import numpy as np
    >>> from monitoring.window import Window
    >>> rng = np.random.default_rng(1)
    >>> def sample(rows, mean): return Window(Frame({"x": rng.normal(mean, 1, rows)}, rows), rng.random(rows))
    >>> [s.column for s in find_shifts(sample(2000, 0), sample(200, 1)) if s.drifted]
    ['x']
    """
    pairs = list(_pairs(reference, window))
    null = NullDistribution(alarm_rate, len(pairs), seed)
    judged = [judge_column(null, name, before, now) for name, before, now in pairs]
    weights = weights_of([one.name for one in judged], importance)
    stands = holm([one.p_value for one in judged], alarm_rate, weights)
    return tuple(_shift(one, *stand) for one, stand in zip(judged, stands, strict=True))


def _pairs(reference: Sample, window: Sample) -> list[tuple[str | None, Column, Column]]:
    """Return the columns that can be laid side by side; the contract tells of the others."""
    now = window.features.columns
    pairs: list[tuple[str | None, Column, Column]] = [
        (name, before, now[name])
        for name, before in reference.features.columns.items()
        if name in now and now[name].dtype == before.dtype
    ]
    return [*pairs, (None, reference.scores, window.scores)]


def judge_column(null: NullDistribution, name: str | None, before: Column, now: Column) -> JudgedColumn:
    """Judge a column by itself; the reference in order of time."""
    cells = cells_of(before, now)
    judgement = null.judge(cells)
    moved = judgement.p_value <= null.rate and judgement.distance > LEAST_EFFECT
    floor = _floor(wander(before), judgement, null.rate) if moved else LEAST_EFFECT
    return JudgedColumn(name, cells, judgement, floor)


def _floor(wandering: float, judgement: Judgement, rate: float) -> float:
    """Return how far a column may lie off: as far as in training, and what chance adds in a window."""
    if wandering <= LEAST_EFFECT:
        return LEAST_EFFECT
    if wandering > UNSTEADY:
        return 1.0
    return wandering + quantile_far_out(judgement.draws.distance, rate)


def _shift(one: JudgedColumn, drifted: bool, level: float) -> Shift:
    judgement = one.judgement
    visible = smallest_visible(one.cells, judgement.draws, level=level, floor=one.floor)
    return Shift(
        column=one.name,
        statistic=judgement.distance,
        threshold=max(one.floor, min(1.0, quantile_far_out(judgement.draws.distance, level))),
        p_value=one.p_value,
        drifted=drifted,
        smallest_visible=visible.distance,
        smallest_visible_sd=visible.deviations,
    )


def drift_findings(shifts: tuple[Shift, ...]) -> tuple[WatchFinding, ...]:
    """Say what really drifted, the farthest first; what a mix of traffic explains is left to the mix."""
    drifted = sorted((s for s in shifts if s.real), key=lambda s: -s.statistic)
    return tuple(_finding(shift) for shift in drifted)


def _finding(shift: Shift) -> WatchFinding:
    code, what = ("MON201", f"`{shift.column}`") if shift.column else ("MON202", "the scores")
    far = shift.statistic > shift.threshold
    beyond = (
        f"chance and its own wandering stay below about {shift.threshold:.3f}"
        if far
        else f"and of a shape that chance gives once in {1 / shift.p_value:,.0f} windows"
    )
    sentence = (
        f"{what} moved: distance {shift.statistic:.3f} from the training reference, {beyond}; "
        f"from {shift.smallest_visible:.3f} on a shift is seen in 4 of 5 windows of this size"
    )
    return WatchFinding(code, shift.column, shift.statistic, shift.threshold, sentence)

"""Has the world moved: every feature and the scores, against chance, at a stated false-alarm rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from estate.core.frame import Frame, Numbers
from estate.store.watch_passes import WatchFinding
from monitoring.cells import cells_of
from monitoring.null_distribution import NullDistribution
from monitoring.wander import wander

ALARM_RATE = 0.01
"""Share of passes with any alarm while nothing has changed."""
LEAST_EFFECT = 0.1
"""A distance of at most this is no alarm however certain it is: a huge window would see every trifle."""

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
        Share of windows that lie so far off while nothing has changed; 1 below the least effect, and where
        the reference itself moved as far within its own time.
    drifted : bool
    """

    column: str | None
    statistic: float
    threshold: float
    p_value: float
    drifted: bool


def find_shifts(
    reference: Sample, window: Sample, *, alarm_rate: float = ALARM_RATE, seed: int = 0
) -> tuple[Shift, ...]:
    """Judge every feature of the reference and the scores.

    Parameters
    ----------
    reference, window : Sample
        With the same columns; at least one row each; the reference in order of time.
    alarm_rate : float
        Of the whole pass: Holm's correction holds it over all columns, dependent or not.

    Examples
    --------
    >>> import numpy as np
    >>> from monitoring.window import Window
    >>> rng = np.random.default_rng(0)
    >>> def sample(rows, mean): return Window(Frame({"x": rng.normal(mean, 1, rows)}, rows), rng.random(rows))
    >>> [s.column for s in find_shifts(sample(2000, 0), sample(200, 1)) if s.drifted]
    ['x']
    """
    names = tuple(reference.features.columns)
    pairs = [(reference.features[name], window.features[name]) for name in names]
    pairs.append((reference.scores, window.scores))
    null = NullDistribution(alarm_rate, len(pairs), seed)
    judged = [null.judge(cells_of(before, now)) for before, now in pairs]
    floors = [
        max(LEAST_EFFECT, _room(wander(before))) if p <= alarm_rate else LEAST_EFFECT
        for (before, _), (_, p, _) in zip(pairs, judged, strict=True)
    ]
    # Raising a p-value to 1 keeps it valid, so the floors cost the correction nothing.
    p_values = [
        p if statistic > floor else 1.0 for (statistic, p, _), floor in zip(judged, floors, strict=True)
    ]
    shifts = []
    for i, (drifted, level) in enumerate(holm(p_values, alarm_rate)):
        statistic, _, draws = judged[i]
        threshold = max(floors[i], float(np.quantile(draws, 1 - level)))
        column = names[i] if i < len(names) else None
        shifts.append(Shift(column, statistic, threshold, p_values[i], drifted))
    return tuple(shifts)


def _room(wandering: float) -> float:
    return 1.0 if wandering > UNSTEADY else wandering


def holm(p_values: list[float], rate: float) -> list[tuple[bool, float]]:
    """Return for each p-value whether it stands at a family-wise rate, and the level it was held against.

    Examples
    --------
    >>> holm([0.02, 0.001, 0.9], 0.05)
    [(True, 0.025), (True, 0.016666666666666666), (False, 0.05)]
    """
    result = [(False, rate)] * len(p_values)
    standing = True
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        level = rate / (len(p_values) - rank)
        standing = standing and p_values[i] <= level
        result[i] = (standing, level)
    return result


def drift_findings(shifts: tuple[Shift, ...]) -> tuple[WatchFinding, ...]:
    """Say what drifted, the farthest first."""
    drifted = sorted((s for s in shifts if s.drifted), key=lambda s: -s.statistic)
    return tuple(_finding(shift) for shift in drifted)


def _finding(shift: Shift) -> WatchFinding:
    code, what = ("MON201", f"`{shift.column}`") if shift.column else ("MON202", "the scores")
    sentence = (
        f"{what} moved: distance {shift.statistic:.3f} from the training reference, "
        f"chance and its own wandering stay below {shift.threshold:.3f}"
    )
    return WatchFinding(code, shift.column, shift.statistic, shift.threshold, sentence)

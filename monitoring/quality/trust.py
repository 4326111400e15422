"""Does the estimate from scores rest on something (MON306).

It assumes that scores come true as often as they say, for the cases that are asked about now. Three things
speak
against it: ripe rows of late that are not calibrated, ripe rows whose metric is not what their scores let
expect,
and cases unlike any that the model knows, for whose scores nothing vouches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Column, Frame, Numbers
from estate.core.model_spec import Task
from estate.core.prediction import Prediction
from estate.store.watch_passes import WatchFinding
from estate.training.metrics import Metric
from monitoring.chance import most_by_chance
from monitoring.quality.calibration import Calibrated
from monitoring.quality.measures import sampled
from monitoring.quality.skill import skill_function

ALARM_RATE = 0.01
DRAWS = 1_000
OUTSIDE_MOST = 0.1
"""Share of rows outside of all that the reference knows that is let pass."""


class Known(Protocol):
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
class Asked:
    """Features and scores of recent answers; what is absent or of the wrong kind is missing."""

    features: Frame
    scores: Numbers


def asked_of(predictions: Sequence[Prediction], reference: Known) -> Asked:
    """Turn predictions into the columns that the reference has."""
    columns: dict[str, Column] = {}
    for name, known in reference.features.columns.items():
        values = [row.features.get(name) for row in predictions]
        if known.dtype == np.object_:
            columns[name] = np.array([None if v is None else str(v) for v in values], dtype=object)
        else:
            columns[name] = np.array(
                [np.nan if v is None or isinstance(v, str) else v for v in values], dtype=np.float64
            )
    scores = np.array([row.score for row in predictions], dtype=np.float64)
    return Asked(Frame(columns, len(predictions)), scores)


def doubts_of_ripe(  # noqa: PLR0913 - what it needs, by keyword
    metric: Metric, y: Numbers, p: Numbers, calibrated: Calibrated, *, lost: float, seed: int = 0
) -> tuple[str, ...]:
    """Return what ripe rows say against the assumption.

    Parameters
    ----------
    metric : Metric
    y, p : float64 array of shape (n,)
        Labels and scores.
    calibrated : Calibrated
        What :func:`~.calibration.check_calibration` said of them.
    lost : float
        A difference of the skill that matters.
    """
    doubts = [finding.sentence for finding in calibrated.findings]
    few = sampled(len(p), seed)
    of, random = skill_function(Task.BINARY, metric), np.random.default_rng([seed, 7])
    p, y = p[few], y[few]
    drawn = [of((random.random(len(p)) < p).astype(np.float64), p) for _ in range(DRAWS)]
    low, high = np.nanquantile(drawn, [ALARM_RATE / 2, 1.0 - ALARM_RATE / 2])
    found = of(y, p)
    if not low <= found <= high and abs(found - float(np.nanmean(drawn))) > lost:
        doubts.append(
            f"on {len(few)} ripe rows the skill in {metric.name} is {found:.3f}, where their scores let "
            f"expect "
            f"{low:.3f} to {high:.3f}"
        )
    return tuple(doubts)


def doubts_of_space(reference: Known, window: Known) -> tuple[str, ...]:
    """Return whether too many cases lie outside of what the reference holds; the same columns in both."""
    pairs = {
        f"`{name}`": (values, window.features[name]) for name, values in reference.features.columns.items()
    }
    pairs["the score"] = (reference.scores, window.scores)
    outside = {name: _outside(known, now) for name, (known, now) in pairs.items()}
    rows = len(window.scores)
    share = float(np.any(list(outside.values()), axis=0).mean())
    # Of n known rows about two lie at the ends of each column: so many of the next n lie beyond by chance.
    chance = most_by_chance(2 * len(pairs), len(reference.scores), rows=rows, level=ALARM_RATE)
    if share <= max(OUTSIDE_MOST, chance):
        return ()
    worst = max(outside, key=lambda name: float(outside[name].mean()))
    return (f"{share:.0%} of {rows} cases lie outside of all that the reference holds, most in {worst}",)


def _outside(known: Column, now: Column) -> NDArray[np.bool_]:
    if known.dtype == np.object_:
        levels = set(known.tolist())
        return np.array([value is not None and value not in levels for value in now.tolist()], dtype=np.bool_)
    if np.isnan(known).all():
        return np.zeros(len(now), dtype=np.bool_)
    return np.asarray((now < np.nanmin(known)) | (now > np.nanmax(known)), dtype=np.bool_)


def trust_findings(doubts: Sequence[str]) -> tuple[WatchFinding, ...]:
    """Say why the estimate should not be relied on."""
    if not doubts:
        return ()
    sentence = f"the estimate from scores may be wrong: {'; '.join(doubts)}"
    return (WatchFinding("MON306", None, None, None, sentence),)

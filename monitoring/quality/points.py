"""Quality over time: each week's metrics, realised and estimated, with how ripe they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from estate.core.evidence import Measure
from estate.core.model_spec import ModelSpec, Task
from estate.store.quality_points import Kind, QualityPoint
from monitoring.quality.answered import Answered, micros_of
from monitoring.quality.calibration import check_calibration
from monitoring.quality.estimated import ESTIMABLE, estimated
from monitoring.quality.measures import LEAST_ROWS, judged_metric, measurable, measured, metrics_of
from monitoring.quality.skill import realised_skill
from monitoring.quality.slices import parts_of

WEEK = timedelta(days=7)
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """A span of answers: after ``start``, up to and with ``end``."""

    start: datetime
    end: datetime

    def rows(self, answered: Answered) -> Answered:
        """Return the answers of the window."""
        return answered.take(_between(answered.at, self.start, self.end))


def _between(times: NDArray[np.int64], start: datetime, end: datetime) -> NDArray[np.bool_]:
    return (times > micros_of(start)) & (times <= micros_of(end))


def weeks_until(now: datetime, count: int) -> list[Window]:
    """Return the last weeks from Monday to Monday (UTC), oldest first; the last holds ``now``.

    Examples
    --------
    >>> weeks_until(datetime(2026, 3, 4, tzinfo=UTC), 2)[-1].start.date().isoformat()
    '2026-03-02'
    """
    end = _MONDAY + ((now - _MONDAY) // WEEK + 1) * WEEK
    return [Window(end - (i + 1) * WEEK, end - i * WEEK) for i in reversed(range(count))]


def points_of(  # noqa: PLR0913 - what it needs, by keyword
    spec: ModelSpec,
    version: str,
    answered: Answered,
    windows: Sequence[Window],
    *,
    now: datetime,
    seed: int = 0,
) -> Iterator[QualityPoint]:
    """Measure each window that has enough rows: all metrics of all, the gate's metric of each slice."""
    for window in windows:
        rows = window.rows(answered)
        share, ripe = rows.mature_share, rows.take(rows.ripe)
        made: list[tuple[Kind, tuple[str, str | None] | None, int, Measure]] = []
        if measurable(spec.task, ripe.y):
            made += [("realised", None, len(ripe), one) for one in _realised(spec, ripe, seed)]
            for part in parts_of(spec, ripe, gate_only=True):
                y, score = ripe.y[part.rows], ripe.score[part.rows]
                (one,) = measured((judged_metric(spec),), y, score, seed=seed)
                made.append(("realised", (part.column, part.value), len(y), one))
        if spec.task is Task.BINARY and len(rows) >= LEAST_ROWS:
            known = [metric for metric in metrics_of(spec.task) if metric.name in ESTIMABLE]
            made += [
                ("estimated", None, len(rows), estimated(metric, rows.score, seed=seed)) for metric in known
            ]
        for kind, of, count, one in made:
            if np.isfinite([one.value, one.low, one.high]).all():
                yield QualityPoint(
                    model=spec.name,
                    version=version,
                    at=now,
                    window_from=window.start,
                    window_to=window.end,
                    metric=one.name,
                    slice=of,
                    kind=kind,
                    value=one.value,
                    low=one.low,
                    high=one.high,
                    rows=count,
                    mature_share=share,
                )


def _realised(spec: ModelSpec, ripe: Answered, seed: int) -> Iterator[Measure]:
    yield from measured(metrics_of(spec.task), ripe.y, ripe.score, seed=seed)
    found = realised_skill(spec.task, judged_metric(spec), ripe.y, ripe.score, seed=seed)
    half = 1.645 * found.error
    yield Measure("skill", found.value, found.value - half, found.value + half)
    if spec.task is not Task.REGRESSION:
        calibrated = check_calibration(ripe.y, ripe.score, seed=seed)
        yield calibrated.intercept
        yield calibrated.slope

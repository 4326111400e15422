"""What is replayed: rows in the order of time with the outcomes that they came to have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from estate.core.errors import ContractError
from estate.core.model_spec import CrmSource, ModelSpec
from estate.features.events import DAY_US
from estate.store.database import Database
from estate.training.data import TrainingData
from estate.training.extract import extract

FIRST_SHARE = 0.2
"""Share of the rows that the first version learns from, where no day is named."""
_LATE = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Step:
    """A moment at which the platform may act, and the rows that it answers until the next one.

    Parameters
    ----------
    moment : datetime
        Every row before ``start`` was answered before it.
    start, stop : int
        Row numbers.
    """

    moment: datetime
    start: int
    stop: int


@dataclass(frozen=True)
class Recording:
    """All rows with their outcomes; the first ``first`` are there before the rehearsal begins.

    Parameters
    ----------
    spec : ModelSpec
    data : TrainingData
        Oldest first; no row is used before its outcome was ripe.
    first : int
    step_days : float
    """

    spec: ModelSpec
    data: TrainingData
    first: int
    step_days: float

    @property
    def horizon(self) -> timedelta:
        """How long after its row an outcome is known."""
        return timedelta(days=self.spec.source.horizon_days)

    @property
    def begin(self) -> datetime:
        """The moment at which the last row of the first part has its outcome."""
        return moment_of(int(self.data.times[self.first - 1])) + self.horizon

    def steps(self) -> Iterator[Step]:
        """Give one step each ``step_days``, those without a new row left out."""
        times, length = self.data.times, int(self.step_days * DAY_US)
        at = int(self.begin.timestamp() * 1e6)
        start = int(np.searchsorted(times, at, side="right"))
        while start < len(times):
            stop = int(np.searchsorted(times, at + length, side="right"))
            if stop > start:
                yield Step(moment_of(at), start, stop)
            at, start = at + length, stop

    def known_at(self, moment: datetime) -> TrainingData:
        """Return the rows whose outcome is ripe at a moment."""
        ripe = int((moment - self.horizon).timestamp() * 1e6)
        return self.data.take(np.arange(int(np.searchsorted(self.data.times, ripe, side="right"))))


def moment_of(microseconds: int) -> datetime:
    """Return a time of the data as a moment; the platform reads "at or before"."""
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def recorded(
    spec: ModelSpec,
    database: Database | None,
    *,
    start: datetime | None = None,
    step_days: float = 7.0,
) -> Recording:
    """Read everything that a model's source holds, as a training long after it would.

    Parameters
    ----------
    spec : ModelSpec
        Its source must say when a row was.
    database : Database or None
        Where event histories or queries are read from.
    start : datetime, optional
        The first version learns from what is known then; the first fifth of the rows if not given.
    step_days : float

    Raises
    ------
    ContractError
        If rows have no time, or nothing is left to replay.
    """
    source = spec.source
    if not isinstance(source, CrmSource) and source.time is None:
        raise ContractError(
            f"source of model `{spec.name}`",
            expected="rows with a `time`, to replay them in order",
            got="none",
            todo="Name the column of the moment as `time` of the source.",
        )
    data = extract(spec, database, as_of=_LATE)
    horizon = timedelta(days=source.horizon_days)
    first = round(len(data) * FIRST_SHARE)
    if start is not None:
        first = int(np.searchsorted(data.times, int((start - horizon).timestamp() * 1e6), side="right"))
    if not 0 < first < len(data):
        raise ContractError(
            f"recorded rows of model `{spec.name}`",
            expected="some before the start, to learn from, and some after it, to answer",
            got=f"{first} before, {len(data) - first} after",
            todo="Choose another start.",
        )
    return Recording(spec, data, first, step_days)

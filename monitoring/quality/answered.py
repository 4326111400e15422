"""Answers of a version beside their labels, as far as these are ripe.

The label is that of training. A lead's answer is about its moment: the answer's own time, or the age that the
model was trained at where the lead is older by then. It is ripe when the horizon after the moment is over and
outcomes are known up to there (:mod:`monitoring.quality.frontier`). An answer whose case had an outcome
before it
is left out, and so is one that came long after its lead's moment: only leads without an outcome were still
there
to be asked about, so they convert less often than leads of that moment do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Column, Numbers
from estate.core.model_spec import CrmSource, ModelSpec, PairSource, QuerySource, TableSource, Task
from estate.features.events import DAY_US
from estate.features.homes import LOOKS
from estate.store.database import Database
from estate.store.realised import NEVER, Arrivals, FirstAnswers, read_arrivals, read_first_answers
from estate.training.data import TrainingData
from estate.training.extract import extract
from estate.training.pairs import read_pair_labels
from monitoring.quality.frontier import Frontier, frontier_of_arrivals, frontier_of_labels
from monitoring.quality.shown import labels_of_shown

Micros = NDArray[np.int64]
LATE_SHARE = 0.1
"""An answer may come so much of the horizon after its lead's moment, and at least a day."""


@dataclass(frozen=True)
class LeftOut:
    """Answers that can't be judged by outcomes.

    Parameters
    ----------
    unnamed : int
        They named no case.
    unknown : int
        Nobody knows the case.
    resolved : int
        The case had an outcome before.
    late : int
        The lead was long past its moment.
    unseen : int
        The home that was shown became no row of training: the lead did not look at it.
    """

    unnamed: int = 0
    unknown: int = 0
    resolved: int = 0
    late: int = 0
    unseen: int = 0


@dataclass(frozen=True)
class Answered:
    """The first answers about n cases, in order of time.

    Parameters
    ----------
    at, due : int64 array of shape (n,)
        When it was given, and when its horizon is over; microseconds since 1970, UTC.
    score : float64 array of shape (n,)
        Multiclass: of the class that was answered.
    y : float64 array of shape (n,)
        The label, NaN where it is not ripe. Multiclass: 1 if the answer was right, else 0.
    categories : mapping of str to object array of shape (n,)
    frontier : Frontier
    left_out : LeftOut
    """

    at: Micros
    due: Micros
    score: Numbers
    y: Numbers
    categories: Mapping[str, Column]
    frontier: Frontier
    left_out: LeftOut = LeftOut()

    def __len__(self) -> int:
        return len(self.score)

    @property
    def ripe(self) -> NDArray[np.bool_]:
        """Which labels are known."""
        return ~np.isnan(self.y)

    @property
    def mature_share(self) -> float:
        """Share of the answers whose label is known, in [0, 1]; 0 where there are none."""
        return float(self.ripe.mean()) if len(self) else 0.0

    def take(self, chosen: NDArray[np.bool_]) -> Answered:
        """Return the rows where a mask holds."""
        columns = {name: values[chosen] for name, values in self.categories.items()}
        parts = (self.at[chosen], self.due[chosen], self.score[chosen], self.y[chosen])
        return Answered(*parts, columns, self.frontier, self.left_out)


def micros_of(moment: datetime) -> int:
    """Return a moment in microseconds since 1970."""
    return round(moment.timestamp() * 1e6)


def read_answered(
    spec: ModelSpec, database: Database, version: str, *, since: datetime, now: datetime
) -> Answered:
    """Read what a version answered after ``since``, and the outcomes that are known now.

    Raises
    ------
    StoreError, ContractError
        If the database or the spec's source can't be read.
    """
    names = tuple(name for name in spec.features.names if spec.features.kind(name) == "category")
    leads = spec.source if isinstance(spec.source, CrmSource) else None
    with database.begin() as connection:
        first = read_first_answers(
            connection,
            spec.name,
            version,
            since=since,
            now=now,
            categories=names,
            outcome=leads,
        )
        looks = LOOKS if isinstance(spec.source, PairSource) else ()
        arrivals = read_arrivals(connection, now=now, looks=looks) if leads or looks else None
    if isinstance(spec.source, CrmSource):
        assert arrivals is not None
        return _of_leads(spec.source, first, arrivals, now)
    if isinstance(spec.source, PairSource):
        assert arrivals is not None
        return _of_pairs(spec.source, database, first, arrivals, now)
    return _of_table(spec, spec.source, database, first, now=now)


def _of_leads(source: CrmSource, first: FirstAnswers, arrivals: Arrivals, now: datetime) -> Answered:
    created, any_at, this_at = first.created, first.any_at, first.this_at
    assert created is not None
    assert any_at is not None
    assert this_at is not None
    assert first.learned_at is not None
    horizon = int(source.horizon_days * DAY_US)
    known = created != NEVER
    moment = np.minimum(first.at, np.where(known, created, 0) + int(source.age_days * DAY_US))
    late = known & (first.at - moment > max(DAY_US, int(LATE_SHARE * horizon)))
    resolved = known & ~late & (any_at <= first.at)
    keep = known & ~late & ~resolved
    heard = keep & (any_at != NEVER)
    frontier = frontier_of_arrivals(arrivals, any_at[heard], first.learned_at[heard], now=now)
    due = moment + horizon
    y = np.where(due <= frontier.until, (this_at <= due).astype(np.float64), np.nan)
    left = LeftOut(first.unnamed, int((~known).sum()), int(resolved.sum()), int(late.sum()))
    made = Answered(first.at, due, first.score, y, first.categories, frontier, left)
    return made.take(keep)


def _of_pairs(
    source: PairSource, database: Database, first: FirstAnswers, arrivals: Arrivals, now: datetime
) -> Answered:
    """Judge a home that was shown by the row of training that it became (:mod:`monitoring.quality.shown`)."""
    since = int(first.at.min(initial=micros_of(now)))
    rows = read_pair_labels(source, database, as_of=now, since=since)
    frontier = frontier_of_arrivals(arrivals, rows.happened_at, rows.known_at, now=now, what="looks at homes")
    due, y = labels_of_shown(rows, first, horizon_days=source.horizon_days, until=frontier.until)
    unseen = (due <= frontier.until) & np.isnan(y)
    left = LeftOut(first.unnamed, unseen=int(unseen.sum()))
    return Answered(first.at, due, first.score, y, first.categories, frontier, left).take(~unseen)


def _of_table(
    spec: ModelSpec,
    source: TableSource | QuerySource,
    database: Database,
    first: FirstAnswers,
    *,
    now: datetime,
) -> Answered:
    due = first.at + int(source.horizon_days * DAY_US)
    if source.entity is None or not len(first.at):  # no case, no label: late is another thing
        nothing = np.full(len(first.at), np.nan)
        left = LeftOut(first.unnamed, len(first.at))
        return Answered(first.at, due, first.score, nothing, first.categories, Frontier(micros_of(now)), left)
    data = extract(spec, database, as_of=now)
    place = _nearest(data, first, timed=source.time is not None)
    found_y = np.append(data.y, np.nan)[place]
    if spec.task is Task.MULTICLASS:
        names = np.array([*data.classes, None], dtype=object)
        true = names[np.where(np.isnan(found_y), -1, found_y).astype(np.intp)]
        found_y = np.where(np.isnan(found_y), np.nan, (true == first.label).astype(np.float64))
    y = np.where(due <= micros_of(now), found_y, np.nan)
    return Answered(
        first.at,
        due,
        first.score,
        y,
        first.categories,
        frontier_of_labels(due, y, now=now),
        LeftOut(first.unnamed),
    )


def _nearest(data: TrainingData, first: FirstAnswers, *, timed: bool) -> NDArray[np.intp]:
    """Return the table's row of each answer, -1 if none: of several of one case, the nearest in time."""
    import pandas as pd

    rows = pd.DataFrame({"entity": data.entities, "time": data.times, "place": np.arange(len(data))})
    asked = pd.DataFrame({"entity": first.entity, "time": first.at})
    rows, asked = rows.astype({"entity": object}), asked.astype({"entity": object})
    if timed:
        joined = pd.merge_asof(asked, rows.sort_values("time"), on="time", by="entity", direction="nearest")
    else:
        joined = asked.merge(rows.drop_duplicates("entity", keep="last"), on="entity", how="left")
    return joined["place"].fillna(-1).to_numpy(dtype=np.intp)

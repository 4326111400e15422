"""What a version answered about each case first, and what came of it as far as it is known at a moment.

A case that is asked about every night would count as often as it stays open, which depends on its outcome:
the
first answer of the version is the one whose choice knows nothing of what came later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from estate.core.frame import Column, Numbers
from estate.core.model_spec import CrmSource
from estate.core.outcomes import CLOSING
from estate.store.pair_names import LEAD_OF_PAIR

Micros = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max
"""The time of what has not happened, as far as is known."""
_POSTGRES_EPOCH_US = 946_684_800_000_000  # 1 January 2000

_FIRST = """
WITH first AS (
  SELECT DISTINCT ON (p.entity_id) p.entity_id, p.at, p.score, p.label{categories}
  FROM predictions p LEFT JOIN feature_layouts l USING (layout)
  WHERE p.model = :model AND p.version = :version AND p.entity_id IS NOT NULL AND p.at <= :now
  ORDER BY p.entity_id, p.at, p.prediction_id
), asked AS (SELECT * FROM first WHERE at > :since)"""
_CATEGORY = (
    ", coalesce(p.features ->> CAST(:c{i} AS text), "
    "p.texts[array_position(l.texts, CAST(:c{i} AS text))]) AS c{i}"
)
_KNOWN = """, heard AS (
  SELECT lead_id, min(event_at) AS any_at, min(recorded_at) AS learned_at,
         min(event_at) FILTER (WHERE kind = :kind) AS this_at
  FROM outcomes WHERE event_at <= :now AND recorded_at <= :now AND superseded_at > :now
   AND kind = ANY(:counted) GROUP BY lead_id
)"""
_OF_CASES = "SELECT a.* FROM asked a"
_OF_LEADS = """
  SELECT a.*, d.event_at AS created_at, h.any_at, h.learned_at, h.this_at FROM asked a
  LEFT JOIN leads d ON d.lead_id = a.entity_id AND d.event_at <= :now AND d.recorded_at <= :now
   AND d.superseded_at > :now
  LEFT JOIN heard h ON h.lead_id = a.entity_id"""
_OF_LEADS_DOING = """
  SELECT a.*, d.event_at AS created_at, h.any_at, h.learned_at, t.this_at FROM asked a
  LEFT JOIN leads d ON d.lead_id = a.entity_id AND d.event_at <= :now AND d.recorded_at <= :now
   AND d.superseded_at > :now
  LEFT JOIN heard h ON h.lead_id = a.entity_id
  LEFT JOIN LATERAL (
    SELECT min(i.event_at) AS this_at FROM interactions i
    WHERE i.lead_id = a.entity_id AND i.kind = :kind AND i.event_at > LEAST(a.at, d.event_at + :age)
     AND i.event_at <= :now AND i.recorded_at <= :now AND i.superseded_at > :now
  ) t ON true"""
_TIMES = ("created_at", "any_at", "learned_at", "this_at")
_UNNAMED = (
    "(SELECT count(*) FROM predictions WHERE model = :model AND version = :version "
    "AND entity_id IS NULL AND at > :since AND at <= :now)"
)
_DAILY = """
SELECT floor(extract(epoch FROM CAST(:now AS timestamptz) - recorded_at) / 86400)::int AS day,
       count(*) AS found, max(recorded_at) AS newest
FROM {facts} WHERE recorded_at <= :now AND superseded_at > :now AND recorded_at > :since{kinds} GROUP BY 1"""

_ABOUT = """
SELECT p.prediction_id::text AS prediction_id, coalesce(
  (SELECT l.lead_id FROM leads l WHERE l.lead_id = p.entity_id LIMIT 1),
  (SELECT l.lead_id FROM leads l WHERE l.lead_id = {lead_of_pair} LIMIT 1),
  p.entity_id) AS lead
FROM predictions p WHERE p.prediction_id = ANY(CAST(:ids AS uuid[]))"""


@dataclass(frozen=True)
class FirstAnswers:
    """The first answer about each of n cases, in order of time.

    Parameters
    ----------
    at : int64 array of shape (n,)
        Microseconds since 1970, UTC, like all times here.
    score : float64 array of shape (n,)
    label : object array of shape (n,)
        Most likely class, where the task has classes.
    entity : object array of shape (n,)
    categories : mapping of str to object array of shape (n,)
    unnamed : int
        Answers that named no case: nothing can be joined to them.
    created, any_at, learned_at, this_at : int64 array of shape (n,), optional
        When the lead came; when its first outcome that closes it or is the model's, and the model's own,
        happened, and when the first was learned; ``NEVER`` where there is none. Only where outcomes were
        asked for.
    """

    at: Micros
    score: Numbers
    label: Column
    entity: Column
    categories: Mapping[str, Column]
    unnamed: int
    created: Micros | None = None
    any_at: Micros | None = None
    learned_at: Micros | None = None
    this_at: Micros | None = None


def read_first_answers(  # noqa: PLR0913 - which answers, as of when, and what of them
    connection: sa.Connection,
    model: str,
    version: str,
    *,
    since: datetime,
    now: datetime,
    categories: Sequence[str] = (),
    outcome: CrmSource | None = None,
) -> FirstAnswers:
    """Read them in one statement; each column comes as one run of bytes, a million rows in seconds.

    Parameters
    ----------
    since, now : datetime
        Answers with ``since < at <= now``; outcomes that had happened and were known at ``now``. A case that
        the version first answered about before is left out.
    categories : sequence of str
        Features whose texts are wanted.
    outcome : CrmSource, optional
        What is predicted of leads; joins leads and what became of them.
    """
    of = tuple(f"c{i}" for i in range(len(categories)))
    values: dict[str, object] = {"model": model, "version": version, "since": since, "now": now}
    values |= dict(zip(of, categories, strict=True)) | (_asked_of(outcome) if outcome else {})
    row = connection.execute(sa.text(_statement(of, outcome)), values).one()
    times = {} if outcome is None else {n.removesuffix("_at"): _times(getattr(row, n)) for n in _TIMES}
    return FirstAnswers(
        _times(row.at),
        np.frombuffer(row.score or b"", dtype=">f8").astype(np.float64),
        _texts(row.label),
        _texts(row.entity),
        {name: _texts(getattr(row, column)) for column, name in zip(of, categories, strict=True)},
        int(row.unnamed),
        times.get("created"),
        times.get("any"),
        times.get("learned"),
        times.get("this"),
    )


def _asked_of(outcome: CrmSource) -> dict[str, object]:
    if outcome.among == "outcomes":
        return {"kind": outcome.outcome, "counted": [*CLOSING, outcome.outcome]}
    age = timedelta(days=outcome.age_days)
    return {"kind": outcome.outcome, "counted": list(CLOSING), "age": age}


def _statement(of: Sequence[str], outcome: CrmSource | None) -> str:
    first = _FIRST.format(categories="".join(_CATEGORY.format(i=i) for i in range(len(of))))
    columns = [
        "string_agg(timestamptz_send(at), '') AS at",
        "string_agg(float8send(score), '') AS score",
        "array_agg(label) AS label",
        "array_agg(entity_id) AS entity",
        *(f"array_agg({name}) AS {name}" for name in of),
        f"{_UNNAMED} AS unnamed",
    ]
    if outcome is not None:
        columns += [f"string_agg(timestamptz_send(coalesce({n}, 'infinity')), '') AS {n}" for n in _TIMES]
    if outcome is None:
        known, joined = "", _OF_CASES
    else:
        known, joined = _KNOWN, _OF_LEADS if outcome.among == "outcomes" else _OF_LEADS_DOING
    return f"{first}{known}\nSELECT {', '.join(columns)} FROM ({joined} ORDER BY a.at, a.entity_id) AS r"


def _times(run: bytes | memoryview | None) -> Micros:
    read = np.frombuffer(run or b"", dtype=">i8").astype(np.int64)
    return np.where(read == NEVER, NEVER, np.where(read == NEVER, 0, read) + _POSTGRES_EPOCH_US)


def _texts(values: Sequence[str | None] | None) -> Column:
    return np.array(values if values is not None else (), dtype=object)


@dataclass(frozen=True)
class Arrivals:
    """How many outcomes, or looks at homes, the desk learned of, day by day.

    Parameters
    ----------
    daily : int64 array of shape (days,)
        Oldest first; the last ends at the moment that was asked for.
    newest : datetime or None
        When the last one was learned; None if none was in these days.
    """

    daily: NDArray[np.int64]
    newest: datetime | None


def read_arrivals(
    connection: sa.Connection, *, now: datetime, days: int = 120, looks: Sequence[str] = ()
) -> Arrivals:
    """Count outcomes of any kind by the day on which they were recorded.

    Parameters
    ----------
    looks : sequence of str
        Count interactions of these kinds instead.
    """
    facts, kinds = ("interactions", " AND kind = ANY(:kinds)") if looks else ("outcomes", "")
    values: dict[str, object] = {"now": now, "since": now - timedelta(days=days)}
    values |= {"kinds": list(looks)} if looks else {}
    rows = connection.execute(sa.text(_DAILY.format(facts=facts, kinds=kinds)), values).all()
    daily = np.zeros(days, dtype=np.int64)
    for row in rows:
        daily[days - 1 - row.day] = row.found
    return Arrivals(daily, max((row.newest for row in rows), default=None))


def leads_of_predictions(connection: sa.Connection, ids: Sequence[str]) -> dict[str, str | None]:
    """Return whom answers were about, by their id; None for one about a row without a name.

    An answer about a lead and a home was about the lead.

    Parameters
    ----------
    ids : sequence of str
        UUIDs; of those that name no answer nothing is returned.
    """
    about = _ABOUT.format(lead_of_pair=LEAD_OF_PAIR.format(case="p.entity_id"))
    rows = connection.execute(sa.text(about), {"ids": list(ids)})
    return {row.prediction_id: row.lead for row in rows}

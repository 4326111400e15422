"""What was proposed to keep leads, by which chance, what was made of it, and what came of the leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import NAMESPACE_URL, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.store.erasures import erased_among, share_writers
from estate.store.intervention_tables import churn_desks, intervention_events, intervention_salt
from estate.store.intervention_tables import interventions as table

Event = Literal["accepted", "declined", "done"]
EVENTS: tuple[Event, ...] = ("accepted", "declined", "done")
WAITING = "waiting"
"""In place of an arm: the lead's round has not begun, since the desk could not turn to it."""
_NAMESPACE = uuid5(NAMESPACE_URL, "leadloop:interventions")


@dataclass(frozen=True, kw_only=True)
class Intervention:
    """One lead in one round.

    Parameters
    ----------
    lead_id : str
    round : int
        How many rounds of the lead were before.
    kind : str
    indicators, evidence : tuple of str
        The signs that fired, and their sentences.
    arm : str
        "proposed", or "held_back": drawn not to be proposed; or :data:`WAITING`.
    propensity : float
        Probability of that arm; 1 where the lead waits, which is not by chance.
    risk, level, source, version
        What the lead was judged at, and by whom.
    effect, cost_usd, benefit_usd : float
        As they were estimated then.
    horizon_days : float
        So long after ``at`` outcomes count.
    at : datetime
    events : tuple of str
        What was made of it so far.
    """

    lead_id: str
    round: int
    kind: str
    indicators: tuple[str, ...]
    evidence: tuple[str, ...]
    arm: str
    propensity: float
    risk: float
    level: str
    source: str
    version: str
    effect: float
    cost_usd: float
    benefit_usd: float
    horizon_days: float
    at: datetime
    events: tuple[str, ...] = ()

    @property
    def intervention_id(self) -> str:
        """The same for a lead and round, whoever writes it and however often."""
        return str(uuid5(_NAMESPACE, f"{self.round}/{self.lead_id}"))


@dataclass(frozen=True)
class Matured:
    """One lead of a round whose horizon is over.

    Parameters
    ----------
    kind, arm : str
    propensity : float
    left, converted : bool
        Within the horizon from the proposal.
    """

    kind: str
    arm: str
    propensity: float
    left: bool
    converted: bool


def draw_key(connection: sa.Connection) -> bytes:
    """Return the key by which this installation draws arms."""
    return bytes(connection.execute(sa.select(intervention_salt.c.salt)).scalar_one())


def next_rounds(connection: sa.Connection, lead_ids: Sequence[str], *, as_of: datetime) -> Mapping[str, int]:
    """Return the round that begins for each lead; leads whose last round is not over are left out."""
    query = sa.select(table.c.lead_id, sa.func.count().label("rounds"), sa.func.max(_ends).label("ends"))
    begun = query.where(table.c.lead_id.in_(lead_ids), table.c.arm != WAITING)
    rows = connection.execute(begun.group_by(table.c.lead_id)).all()
    known = {row.lead_id: row for row in rows}
    return {
        lead: known[lead].rounds if lead in known else 0
        for lead in lead_ids
        if lead not in known or known[lead].ends <= as_of
    }


def add_interventions(connection: sa.Connection, rows: Sequence[Intervention]) -> set[str]:
    """Keep proposals; those of a lead's round that is there already, and of erased leads, are left out.

    Returns
    -------
    set of str
        Ids of the rows that are new.
    """
    share_writers(connection)
    erased = erased_among(connection, [row.lead_id for row in rows])
    values = [_values(row) for row in rows if row.lead_id not in erased]
    if not values:
        return set()
    kept = insert(table).on_conflict_do_nothing().returning(table.c.intervention_id)
    return set(connection.execute(kept, values).scalars())


def add_event(
    connection: sa.Connection, intervention_id: str, event: Event, *, who: str, at: datetime
) -> bool:
    """Note what was made of a proposal; the same again changes nothing. Returns whether it was new."""
    row = {"intervention_id": intervention_id, "event": event, "who": who, "at": at}
    kept = insert(intervention_events).values(**row).on_conflict_do_nothing()
    return connection.execute(kept.returning(intervention_events.c.event)).first() is not None


def find_intervention(
    connection: sa.Connection, lead_id: str, *, arm: str | None = None
) -> Intervention | None:
    """Return a lead's latest intervention, if it is of the given arm or any; none that waits."""
    where = [table.c.lead_id == lead_id, table.c.arm != WAITING]
    found = _read(connection, where, limit=1)
    return found[0] if found and arm in (None, found[0].arm) else None


def list_interventions(
    connection: sa.Connection, *, arm: str | None = "proposed", limit: int = 100
) -> list[Intervention]:
    """Return interventions, the latest and most worthwhile first.

    Parameters
    ----------
    arm : str, optional
        Only this arm, or :data:`WAITING`; None: both arms.
    """
    return _read(connection, [table.c.arm != WAITING if arm is None else table.c.arm == arm], limit=limit)


def kinds_between(connection: sa.Connection, begin: datetime, end: datetime) -> list[str]:
    """Return the kind of each intervention that was proposed, or noted as done, in a span of time."""
    done = sa.select(intervention_events.c.intervention_id).where(
        intervention_events.c.event == "done", _within(intervention_events.c.at, begin, end)
    )
    query = sa.select(table.c.kind).where(
        table.c.arm == "proposed", _within(table.c.at, begin, end) | table.c.intervention_id.in_(done)
    )
    return list(connection.execute(query).scalars())


def waits(connection: sa.Connection, lead_id: str, *, as_of: datetime) -> bool:
    """Say whether a lead waits for the desk to turn to it."""
    own = sa.select(table.c.intervention_id).where(
        table.c.lead_id == lead_id, table.c.arm == WAITING, _ends > as_of
    )
    return connection.execute(own).first() is not None


def count_waiting(connection: sa.Connection, *, as_of: datetime) -> int:
    """Return how many leads wait."""
    own = sa.select(sa.func.count()).where(table.c.arm == WAITING, _ends > as_of)
    return int(connection.execute(own).scalar_one())


def forget_waiting(connection: sa.Connection) -> None:
    """Take away who waits: a pass says anew who does."""
    connection.execute(sa.delete(table).where(table.c.arm == WAITING))


def matured(connection: sa.Connection, *, as_of: datetime) -> list[Matured]:
    """Return the leads of rounds whose horizon is over, with what came of them within it.

    Only outcomes that had happened and were known at ``as_of`` count.
    """
    found = connection.execute(sa.text(_MATURED), {"as_of": as_of})
    return [Matured(row.kind, row.arm, row.propensity, row.left, row.converted) for row in found]


def save_desk(connection: sa.Connection, document: Mapping[str, Any], *, at: datetime) -> None:
    """Keep what is known of the desk; what is kept of the same moment is replaced."""
    kept = insert(churn_desks).values(at=at, document=dict(document))
    connection.execute(kept.on_conflict_do_update(index_elements=["at"], set_={"document": dict(document)}))


def latest_desk(connection: sa.Connection) -> Mapping[str, Any] | None:
    """Return what was kept of the desk last."""
    query = sa.select(churn_desks.c.document).order_by(churn_desks.c.at.desc()).limit(1)
    document: Mapping[str, Any] | None = connection.execute(query).scalar()
    return document


_ends = table.c.at + table.c.horizon_days * sa.literal(timedelta(days=1), sa.Interval)

_MATURED = """
SELECT i.kind, i.arm, i.propensity, coalesce(bool_or(o.kind = 'churned'), false) AS left,
       coalesce(bool_or(o.kind = 'converted'), false) AS converted
FROM interventions i LEFT JOIN outcomes o
  ON o.lead_id = i.lead_id AND o.event_at > i.at AND o.event_at <= i.at + i.horizon_days * interval '1 day'
 AND o.recorded_at <= :as_of AND o.superseded_at > :as_of
WHERE i.at + i.horizon_days * interval '1 day' <= :as_of AND i.arm <> 'waiting'
GROUP BY i.intervention_id ORDER BY i.at, i.intervention_id"""


def _within(column: sa.Column[datetime], begin: datetime, end: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(column >= begin, column < end)


def _values(row: Intervention) -> dict[str, Any]:
    values = {name: value for name, value in asdict(row).items() if name != "events"}
    return {
        **values,
        "intervention_id": row.intervention_id,
        "indicators": list(row.indicators),
        "evidence": list(row.evidence),
    }


def _read(
    connection: sa.Connection, where: Sequence[sa.ColumnElement[bool]], *, limit: int
) -> list[Intervention]:
    noted = sa.select(sa.func.array_agg(intervention_events.c.event)).where(
        intervention_events.c.intervention_id == table.c.intervention_id
    )
    columns = [column for column in table.c if column.name != "intervention_id"]
    query = sa.select(*columns, noted.scalar_subquery().label("events")).where(*where)
    newest = query.order_by(table.c.at.desc(), table.c.benefit_usd.desc(), table.c.lead_id).limit(limit)
    return [
        Intervention(**{**row, **{name: tuple(row[name] or ()) for name in _LISTS}})
        for row in connection.execute(newest).mappings()
    ]


_LISTS = ("indicators", "evidence", "events")

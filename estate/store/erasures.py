"""Who was erased: known by a salted hash, so that nothing of them is stored again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
import sqlalchemy as sa
from psycopg import sql

from estate.core.clock import now
from estate.store.erasure_tables import erasures
from estate.store.intake_tables import received_events
from estate.store.intervention_tables import intervention_events, interventions
from estate.store.locks import lock_key
from estate.store.pair_names import IS_PAIR, LEAD_OF_PAIR, pairs_of_lead
from estate.store.tables import FACTS, predictions, shadow_predictions

_ANY: LiteralString = "SELECT EXISTS (SELECT 1 FROM erasures WHERE readmitted_at IS NULL)"
_ERASED: LiteralString = """EXISTS (
  SELECT 1 FROM erasures e WHERE e.readmitted_at IS NULL
  AND e.lead_digest = sha256((SELECT salt FROM erasure_salt) || convert_to({lead}, 'UTF8')))"""

_ASKED = (predictions, shadow_predictions)
"""Answers about a lead, or about a lead and a home."""


@dataclass(frozen=True)
class Erasure:
    """One erasure.

    Parameters
    ----------
    erasure_id : str
    who, why : str
    asked_at : datetime
    finished_at, readmitted_at : datetime or None
    receipt : str or None
        Canonical JSON; there when it is finished.
    key_id, signature : str or None
    """

    erasure_id: str
    who: str
    why: str
    asked_at: datetime
    finished_at: datetime | None = None
    readmitted_at: datetime | None = None
    receipt: str | None = None
    key_id: str | None = None
    signature: str | None = None


_COLUMNS = [erasures.c[name] for name in Erasure.__dataclass_fields__]


def begin(connection: sa.Connection, lead_id: str, *, who: str, why: str) -> Erasure:
    """Note that a lead is to be erased: from the commit on nothing of it is stored any more.

    One that was begun and not finished is gone on with.
    """
    digest = _digest(connection, lead_id)
    open_one = connection.execute(
        sa.select(*_COLUMNS).where(
            erasures.c.lead_digest == digest,
            erasures.c.finished_at.is_(None),
            erasures.c.readmitted_at.is_(None),
        )
    ).first()
    if open_one is not None:
        return Erasure(**open_one._asdict())
    made = Erasure(str(uuid4()), who, why, now())
    connection.execute(sa.insert(erasures).values(**vars(made), lead_digest=digest))
    return made


def delete_rows(connection: sa.Connection, lead_id: str) -> dict[str, int]:
    """Delete all rows that are about a lead, every version of every fact; return how many by table.

    An answer about the lead and a home is about the lead.
    """
    owned = {name: (table, table.c.lead_id) for name, table in FACTS.items() if "lead_id" in table.c}
    owned |= {
        **{table.name: (table, table.c.entity_id) for table in _ASKED},
        "received_events": (received_events, received_events.c.lead_id),
        "interventions": (interventions, interventions.c.lead_id),
    }
    own = sa.select(interventions.c.intervention_id).where(interventions.c.lead_id == lead_id)
    connection.execute(sa.delete(intervention_events).where(intervention_events.c.intervention_id.in_(own)))
    pairs = {
        table.name: _deleted(connection, table, pairs_of_lead(connection, table.c.entity_id, lead_id))
        for table in _ASKED
    }
    return {
        name: _deleted(connection, table, column == lead_id) + pairs.get(name, 0)
        for name, (table, column) in owned.items()
    }


def _deleted(connection: sa.Connection, table: sa.Table, chosen: sa.ColumnElement[bool]) -> int:
    return int(connection.execute(sa.delete(table).where(chosen)).rowcount)


def delete_events_that_quote(connection: sa.Connection, lead_id: str) -> int:
    """Delete refused events whose body holds a lead's id: what they are about could not be read."""
    found = connection.execute(
        sa.select(received_events.c.event_key).where(
            received_events.c.body.is_not(None),
            sa.text("position(CAST(:part AS bytea) IN body) > 0").bindparams(part=lead_id.encode()),
        )
    ).scalars()
    keys = list(found)
    connection.execute(sa.delete(received_events).where(received_events.c.event_key.in_(keys)))
    return len(keys)


def finish(connection: sa.Connection, erasure_id: str, *, receipt: str, key_id: str, signature: str) -> None:
    """Keep the receipt of an erasure."""
    connection.execute(
        sa.update(erasures)
        .where(erasures.c.erasure_id == erasure_id)
        .values(finished_at=now(), receipt=receipt, key_id=key_id, signature=signature)
    )


def readmit(connection: sa.Connection, lead_id: str, *, who: str, why: str) -> int:
    """Let a lead be stored again; returns how many erasures this ends.

    Who did it and why is added to the reason of the erasure, not to its receipt.
    """
    ended = (
        sa.update(erasures)
        .where(erasures.c.lead_digest == _digest(connection, lead_id), erasures.c.readmitted_at.is_(None))
        .values(readmitted_at=now(), why=erasures.c.why + f"; readmitted by {who}: {why}")
    )
    return int(connection.execute(ended).rowcount)


def list_erasures(connection: sa.Connection) -> list[Erasure]:
    """Return all erasures, the latest first; nobody can tell from them who was erased."""
    query = sa.select(*_COLUMNS).order_by(erasures.c.asked_at.desc())
    return [Erasure(**row._asdict()) for row in connection.execute(query)]


def drop_erased(cursor: psycopg.Cursor[Any], table: str, *, lead: str, key: str) -> tuple[str, ...]:
    """Delete the rows of a table of what comes in whose lead was erased; return their keys.

    Also waits for erasures that are being noted: either this transaction sees the note, or the erasure sees
    the rows.
    """
    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", (lock_key("erasures"),))
    cursor.execute(_ANY)
    if cursor.fetchone() == (False,):
        return ()
    erased = sql.SQL(_ERASED).format(lead=sql.Identifier("t", lead))
    statement = sql.SQL("DELETE FROM {table} t WHERE {erased} RETURNING t.{key}::text").format(
        table=sql.Identifier(table), erased=erased, key=sql.Identifier(key)
    )
    return tuple(name for (name,) in cursor.execute(statement))


def drop_erased_predictions(cursor: psycopg.Cursor[Any], table: str, names: Sequence[str]) -> int:
    """Delete those of some rows of predictions, just written, whose lead was erased; return how many.

    A row is about the lead that it names, or that it names with a home.
    """
    cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", (lock_key("erasures"),))
    cursor.execute(_ANY)
    if cursor.fetchone() == (False,):
        return 0
    case = sql.Identifier("t", "entity_id")
    statement = sql.SQL(
        "DELETE FROM {table} t WHERE t.prediction_id = ANY(%s::uuid[]) AND t.entity_id IS NOT NULL "
        "AND ({erased} OR ({of_pair} AND {is_pair}))"
    ).format(
        table=sql.Identifier(table),
        erased=sql.SQL(_ERASED).format(lead=case),
        of_pair=sql.SQL(_ERASED).format(lead=sql.SQL(LEAD_OF_PAIR).format(case=case)),
        is_pair=sql.SQL(IS_PAIR).format(case=case),
    )
    return cursor.execute(statement, (list(names),)).rowcount


def hold_writers(connection: sa.Connection) -> None:
    """Wait until all that are writing have committed, and let none begin until this transaction ends."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_key("erasures"))))


def share_writers(connection: sa.Connection) -> None:
    """Wait for erasures that are being noted, as everybody does who writes rows that name a lead."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(lock_key("erasures"))))


def erased_among(connection: sa.Connection, lead_ids: Sequence[str]) -> set[str]:
    """Return those of some leads that were erased."""
    if not lead_ids or not connection.execute(sa.text(_ANY)).scalar_one():
        return set()
    erased = _ERASED.format(lead="t.lead")
    asked = sa.text(f"SELECT t.lead FROM unnest(CAST(:leads AS text[])) AS t(lead) WHERE {erased}")  # noqa: S608
    return set(
        connection.execute(asked, {"leads": [lead.replace("\x00", "") for lead in lead_ids]}).scalars()
    )


def _digest(connection: sa.Connection, lead_id: str) -> bytes:
    salted = sa.text("SELECT sha256(salt || convert_to(CAST(:lead AS text), 'UTF8')) FROM erasure_salt")
    return bytes(connection.execute(salted, {"lead": lead_id}).scalar_one())

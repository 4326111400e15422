"""An event of a CRM into facts: once, in the order of the CRM's clock, or kept with what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from estate.core.clock import now
from estate.core.errors import DataError
from estate.datasets.mapping import Mapping as Names
from estate.intake.change import Change, SentFact
from estate.intake.gohighlevel import read_event
from estate.intake.rows import take_rows
from estate.store import received_events as store
from estate.store.erasures import erased_among
from estate.store.fact_tables import fact_id
from estate.store.fact_versions import retract_fact
from estate.store.facts import event_time
from estate.store.received_events import LastChange, ReceivedEvent

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from estate.store.database import Database

_LONGEST_KEY = 200


class _ErasedLead(DataError):
    """The event is about somebody of whom nothing is to be kept."""


@dataclass(frozen=True)
class Arrived:
    """An event as it came.

    Parameters
    ----------
    body : bytes
        JSON, as it was signed.
    received_at : datetime
    key : str
        The sender's key of it; made of the body if it has none.
    """

    body: bytes
    received_at: datetime
    key: str = ""


@dataclass(frozen=True)
class Applied:
    """What became of an event, and whether it was known before."""

    event: ReceivedEvent
    known: bool


def decode_event(body: bytes) -> Mapping[str, Any]:
    """Decode a body.

    Raises
    ------
    DataError
        If it is not a JSON object.
    """
    try:
        found = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        got = "too many brackets in one another" if isinstance(error, RecursionError) else str(error)
        raise DataError("body", expected="JSON in UTF-8", got=got) from error
    if not isinstance(found, dict):
        raise DataError("body", expected="a JSON object", got=type(found).__name__)
    return found


def apply_event(database: Database, arrived: Arrived, names: Names) -> Applied:
    """Apply an event in one transaction; the same again changes nothing.

    An event that came late, after a later change of the same object, changes nothing either. One that is
    wrong is kept with its body: :func:`replay_refused` tries it again.

    Parameters
    ----------
    database : Database
    arrived : Arrived
    names : Mapping
        What the CRM's contacts call our columns of leads.

    Raises
    ------
    DataError
        If the body is not a JSON object.
    StoreError
        If the database can't be reached; nothing has changed then.
    """
    payload = decode_event(arrived.body)
    digest = hashlib.sha256(arrived.body).hexdigest()
    key = _key(arrived.key or payload.get("webhookId"), digest)
    with database.begin() as connection:
        known = store.claim(connection, key)
        if (
            known is not None and known.body_digest != digest
        ):  # an event of its own, under a key that was used
            key = f"{key}#{digest[:16]}"
            known = store.claim(connection, key)
        if known is not None and known.state != "refused":
            return Applied(known, known=True)
        event = _applied(connection, payload, replace(arrived, key=key), digest, names)
        store.keep(connection, event)
    return Applied(event, known=known is not None)


def replay_refused(database: Database, names: Names) -> list[ReceivedEvent]:
    """Try every refused event again, in the order in which they came; returns what became of each."""
    with database.begin() as connection:
        keys = store.refused_keys(connection)
    again: list[ReceivedEvent] = []
    for key in keys:
        with database.begin() as connection:
            known = store.claim(connection, key)
            if known is None or known.state != "refused" or known.body is None:
                continue
            arrived = Arrived(known.body, known.received_at, key)
            payload = decode_event(known.body)
            event = _applied(connection, payload, arrived, known.body_digest, names)
            store.keep(connection, event)
        again.append(event)
    return again


def _applied(
    connection: Connection, payload: Mapping[str, Any], arrived: Arrived, digest: str, names: Names
) -> ReceivedEvent:
    kind = payload.get("type")
    event = ReceivedEvent(
        event_key=arrived.key,
        type=_storable(kind)[:100] if isinstance(kind, str) else "",
        object=None,
        lead_id=None,
        changed_at=None,
        received_at=arrived.received_at,
        state="refused",
        body=arrived.body,
        body_digest=digest,
    )
    if erased_among(connection, _leads_of(payload)):
        return _of_nobody(event)
    try:
        change = read_event(payload, received_at=arrived.received_at, names=names)
    except DataError as error:
        return replace(event, reason=str(error))
    return _settled(connection, change, event)


def _settled(connection: Connection, change: Change, event: ReceivedEvent) -> ReceivedEvent:
    """Bring a change into the facts, if it is the latest one of its object."""
    about = replace(
        event,
        object=change.object,
        lead_id=change.lead_id,
        changed_at=change.changed_at,
        type=_storable(change.type)[:100],
    )
    if change.ignored:
        return replace(about, state="ignored", reason=change.ignored, body=None)
    last = store.last_change(connection, change.object)
    if last is not None and change.changed_at < last.changed_at:
        reason = "a later change was applied before"
        return replace(about, state="outdated", reason=reason, body=None)
    try:
        with connection.begin_nested():  # all of its facts, or none
            kept = _change_facts(connection, change, last)
    except _ErasedLead:
        return _of_nobody(event)
    except DataError as error:
        return replace(about, reason=str(error))
    return replace(about, state="applied", body=None, fact_kind=kept[0], fact_id=kept[1])


def _of_nobody(blank: ReceivedEvent) -> ReceivedEvent:
    return replace(blank, state="ignored", reason="about a lead of whom nothing is kept", body=None)


def _leads_of(payload: Mapping[str, Any]) -> list[str]:
    """Return what may be the id of the lead that an event is about, also where the event is wrong."""
    inside = payload.get("appointment")
    places = (payload, inside if isinstance(inside, Mapping) else {})
    found = [place.get(name) for place in places for name in ("id", "contactId")]
    return [_storable(name) for name in found if isinstance(name, str)]


def _change_facts(
    connection: Connection, change: Change, last: LastChange | None
) -> tuple[str | None, str | None]:
    """Bring the facts to where the change says; returns the kind and the name of the one that stands."""
    at = now()
    standing = (last.fact_kind, last.fact_id) if last is not None else (None, None)
    if change.object.startswith("contact:") and change.deals == "retracts":
        retract_fact(connection, "leads", str(change.lead_id), at)
        return None, None
    if change.deals == "replaces" and str(standing[1]).startswith(f"{change.object}:{change.standing}:"):
        return standing
    facts = _named(connection, change)
    made: tuple[str | None, str | None] = (None, None)
    for fact in facts:
        taken = take_rows(connection, fact.kind, [fact.row], at=at, names=fact.names)
        if taken.erased:
            raise _ErasedLead("lead", expected="one that was not erased")
        if taken.refused:
            raise DataError("; ".join(taken.refused[0]))
        made = (fact.kind, taken.ids[0]) if made == (None, None) else made
    if change.deals != "keeps" and standing[0] is not None and standing[1] is not None:
        retract_fact(connection, standing[0], standing[1], at)
    return made


def _named(connection: Connection, change: Change) -> list[SentFact]:
    """Give names to facts that stand for an object, and a lead its time if the change does not say it."""
    named = []
    for fact in change.facts:
        row = dict(fact.row)
        if change.deals == "replaces":
            row[fact_id(fact.kind)] = f"{change.object}:{change.standing}:{change.changed_at.isoformat()}"
        elif fact.kind == "leads":
            came = fact.names.their_name("event_at")
            if not row.get(came):
                known = event_time(connection, "leads", str(change.lead_id))
                row[came] = (known or change.changed_at).isoformat()
        named.append(replace(fact, row=row))
    return named


def _key(said: object, digest: str) -> str:
    if isinstance(said, str) and said.strip():
        key = _storable(said.strip())
        return key if len(key) <= _LONGEST_KEY else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"
    return f"body:{digest}"


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", "?")


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")

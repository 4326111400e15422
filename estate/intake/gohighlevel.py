"""Events in GoHighLevel's shape.

========================================  ===============================================================
``Contact…`` (create, update)             the lead, a version for each change; the city is its area, custom
                                          fields by their id or key as the mapping file says
``ContactDelete``                         the lead is no longer one
``InboundMessage``, ``OutboundMessage``   a message; an inbound one is a reply, too; a call an interaction
``Appointment…``                          a tour at its start, as long as it is not cancelled
``Opportunity…``                          won: converted; lost, abandoned: churned; open: neither
========================================  ===============================================================

Everything else is ignored. References: HighLevel API documentation, "Webhook Integration Guide" and the pages
of the events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from estate.core.clock import parse_time
from estate.core.errors import DataError
from estate.datasets.mapping import Mapping as Names
from estate.intake.change import Change, SentFact

Payload = Mapping[str, Any]

_CONTACT_COLUMNS = {
    "lead_id": "id",
    "source": "source",
    "area": "city",
    "time_zone": "timezone",
    "campaign": "attributionSource.campaign",
    "event_at": "dateAdded",
}
_LONGEST_ID = 200
_CONTACTS = ("ContactCreate", "ContactUpdate")
_MESSAGES = ("InboundMessage", "OutboundMessage")
_DIRECTIONS = {"inbound": "in", "outbound": "out"}
_OUTCOMES = {"won": "converted", "lost": "churned", "abandoned": "churned"}
_OFF = ("cancelled", "canceled", "noshow", "no-show", "invalid")


def read_event(payload: Payload, *, received_at: datetime, names: Names) -> Change:
    """Say what an event means.

    Parameters
    ----------
    payload : mapping
        The decoded body.
    received_at : datetime
        Stands in for the time of an event that says none.
    names : Mapping
        For contacts: which of their fields, custom ones too, are which of our columns, and which values.

    Raises
    ------
    DataError
        If it lacks what its type must have.

    Examples
    --------
    >>> body = {"type": "OpportunityStatusUpdate", "id": "o1", "contactId": "c1", "status": "won",
    ...         "timestamp": "2026-01-05T08:30:00Z"}
    >>> change = read_event(body, received_at=datetime(2026, 1, 6, tzinfo=UTC), names=Names())
    >>> change.object, change.standing, change.facts[0].row["kind"]
    ('opportunity:o1', 'converted', 'converted')
    >>> note = {"type": "NoteCreate"}
    >>> read_event(note, received_at=datetime(2026, 1, 6, tzinfo=UTC), names=Names()).ignored
    'events of this type say nothing about a lead that is used'
    """
    kind = payload.get("type")
    if not isinstance(kind, str) or not kind.strip():
        raise DataError("type", expected="the kind of the event, such as ContactCreate", got=_shown(kind))
    if kind in _CONTACTS or kind == "ContactDelete":
        return _contact(kind, payload, received_at, names)
    if kind in _MESSAGES:
        return _message(kind, payload, received_at)
    if kind.startswith("Appointment"):
        return _appointment(kind, payload, received_at)
    if kind.startswith("Opportunity"):
        return _opportunity(kind, payload, received_at)
    return Change(
        type=kind,
        object=f"event:{kind}"[:_LONGEST_ID],
        lead_id=None,
        changed_at=_changed_at(payload, received_at),
        ignored="events of this type say nothing about a lead that is used",
    )


def _contact(kind: str, payload: Payload, received_at: datetime, names: Names) -> Change:
    lead = _id(payload, "id")
    made = Change(
        type=kind, object=f"contact:{lead}", lead_id=lead, changed_at=_changed_at(payload, received_at)
    )
    if kind == "ContactDelete":
        return replace(made, deals="retracts")
    known = {ours: theirs for ours, theirs in _CONTACT_COLUMNS.items() if ours not in names.constants}
    return replace(
        made, facts=(SentFact("leads", _flat(payload), replace(names, columns={**known, **names.columns})),)
    )


def _message(kind: str, payload: Payload, received_at: datetime) -> Change:
    name, lead = _id(payload, "messageId"), _id(payload, "contactId")
    at = payload.get("dateAdded") or _changed_at(payload, received_at).isoformat()
    said = payload.get("direction") or ("inbound" if kind == "InboundMessage" else "outbound")
    channel = payload.get("messageType") or payload.get("contentType")
    made = Change(
        type=kind,
        object=f"message:{name}",
        lead_id=lead,
        changed_at=_changed_at(payload, received_at),
    )
    contact = {"lead_id": lead, "event_at": at}
    called = {**contact, "interaction_id": f"message:{name}"}
    if isinstance(channel, str) and channel.upper() == "CALL":
        call = {**called, "kind": "call", "duration_seconds": payload.get("callDuration")}
        return replace(made, facts=(SentFact("interactions", call),))
    text = payload.get("body")
    if text is None or (isinstance(text, str) and not text.strip()):
        return replace(made, ignored="a message without text")
    direction = _DIRECTIONS.get(said, said) if isinstance(said, str) else said
    written = {
        **contact,
        "message_id": name,
        "direction": direction,
        "channel": channel.lower() if isinstance(channel, str) else channel,
        "text": text,
    }
    facts: tuple[SentFact, ...] = (SentFact("messages", written),)
    if direction == "in":
        facts += (SentFact("interactions", {**called, "kind": "reply"}),)
    return replace(made, facts=facts)


def _appointment(kind: str, payload: Payload, received_at: datetime) -> Change:
    inside = payload.get("appointment", payload)
    if not isinstance(inside, Mapping):
        raise DataError("appointment", expected="an object", got=_shown(inside))
    name, lead = _id(inside, "id"), _id(inside, "contactId")
    made = Change(
        type=kind,
        object=f"appointment:{name}",
        lead_id=lead,
        changed_at=_changed_at({**payload, **inside}, received_at),
        deals="retracts",
    )
    status = inside.get("appointmentStatus") or inside.get("status") or ""
    if kind.endswith("Delete") or (isinstance(status, str) and status.lower() in _OFF):
        return made
    begins = _time(inside, "startTime")
    if begins is None:
        raise DataError("startTime", expected="ISO 8601 such as 2026-01-05T08:30:00Z", got="nothing")
    tour = {"lead_id": lead, "kind": "tour", "event_at": begins.isoformat()}
    return replace(
        made, deals="replaces", standing=begins.isoformat(), facts=(SentFact("interactions", tour),)
    )


def _opportunity(kind: str, payload: Payload, received_at: datetime) -> Change:
    name = _id(payload, "id")
    changed = _changed_at(payload, received_at)
    lead = None if kind.endswith("Delete") and not payload.get("contactId") else _id(payload, "contactId")
    made = Change(type=kind, object=f"opportunity:{name}", lead_id=lead, changed_at=changed, deals="retracts")
    status = payload.get("status")
    if kind.endswith("Delete") or status == "open":
        return made
    outcome = _OUTCOMES.get(status) if isinstance(status, str) else None
    if outcome is None:
        raise DataError("status", expected=f"open, {', '.join(_OUTCOMES)}", got=_shown(status))
    fact = {"lead_id": lead, "kind": outcome, "event_at": changed.isoformat()}
    return replace(made, deals="replaces", standing=outcome, facts=(SentFact("outcomes", fact),))


def _changed_at(payload: Payload, received_at: datetime) -> datetime:
    for name in ("dateUpdated", "timestamp", "dateAdded"):
        found = _time(payload, name)
        if found is not None:
            return found
    return received_at


def _time(payload: Payload, name: str) -> datetime | None:
    value = payload.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise DataError(name, expected="ISO 8601 such as 2026-01-05T08:30:00Z", got=_shown(value))
    try:
        found = parse_time(value).astimezone(UTC)
    except (DataError, OverflowError) as error:
        raise DataError(name, expected="ISO 8601 such as 2026-01-05T08:30:00Z", got=_shown(value)) from error
    return found


def _id(payload: Payload, name: str) -> str:
    value = payload.get(name)
    if isinstance(value, str) and 0 < len(value.strip()) <= _LONGEST_ID and value.isprintable():
        return value.strip()
    raise DataError(
        name, expected=f"a text of 1 to {_LONGEST_ID} characters that can be printed", got=_shown(value)
    )


def _flat(payload: Payload) -> dict[str, Any]:
    """Return a contact's fields: of objects as `object.field`, custom ones by their id and by their key."""
    flat = {name: value for name, value in payload.items() if not isinstance(value, list | Mapping)}
    for outer, inside in payload.items():
        for name, value in inside.items() if isinstance(inside, Mapping) else ():
            if not isinstance(value, list | Mapping):
                flat[f"{outer}.{name}"] = value
    custom = payload.get("customFields") or payload.get("customField") or ()
    for one in custom if isinstance(custom, list) else ():
        if not isinstance(one, Mapping):
            continue
        value = one.get("value", one.get("field_value", one.get("fieldValue")))
        if isinstance(value, list):
            value = ", ".join(str(part) for part in value)
        for name in (one.get("id"), one.get("key"), one.get("fieldKey")):
            if isinstance(name, str) and name:
                flat.setdefault(name, value)
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in flat.items()}


def _shown(value: object) -> str:
    """Return what came, without quoting a long or nested value."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return ascii(value[:60])
    return (
        "a list"
        if isinstance(value, list)
        else "an object"
        if isinstance(value, Mapping)
        else repr(value)[:60]
    )

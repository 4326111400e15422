"""Events as HighLevel sends them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from estate.intake.events import Arrived

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def iso(hours: float) -> str:
    """Return the time so many hours after noon, as the CRM writes it."""
    return (NOON + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def contact(
    name: str = "c1", *, hours: float = 0, type: str = "ContactUpdate", **fields: Any
) -> dict[str, Any]:
    return {
        "type": type,
        "locationId": "place-1",
        "id": name,
        "firstName": "Ada",
        "email": "ada@example.com",
        "source": "portal",
        "city": "north",
        "dateAdded": iso(0),
        "timestamp": iso(hours),
        "customFields": [{"id": "f-budget", "value": 450000}, {"id": "f-tags", "value": ["a", "b"]}],
        **fields,
    }


def message(name: str = "m1", *, lead: str = "c1", hours: float = 1, **fields: Any) -> dict[str, Any]:
    return {
        "type": "InboundMessage",
        "locationId": "place-1",
        "contactId": lead,
        "conversationId": "talk-1",
        "messageId": name,
        "messageType": "SMS",
        "direction": "inbound",
        "body": "Is the garden south?",
        "dateAdded": iso(hours),
        "timestamp": iso(hours),
        **fields,
    }


def opportunity(status: str, *, hours: float, name: str = "o1", **fields: Any) -> dict[str, Any]:
    return {
        "type": "OpportunityStatusUpdate",
        "locationId": "place-1",
        "id": name,
        "contactId": "c1",
        "status": status,
        "monetaryValue": 40,
        "dateAdded": iso(0),
        "timestamp": iso(hours),
        **fields,
    }


def appointment(status: str, *, hours: float, start: float, name: str = "a1") -> dict[str, Any]:
    return {
        "type": "AppointmentUpdate",
        "locationId": "place-1",
        "timestamp": iso(hours),
        "appointment": {
            "id": name,
            "contactId": "c1",
            "appointmentStatus": status,
            "startTime": iso(start),
            "dateAdded": iso(0),
            "dateUpdated": iso(hours),
        },
    }


def sent(payload: dict[str, Any], key: str = "", *, at: datetime = NOON) -> Arrived:
    """Return an event as it arrives."""
    return Arrived(json.dumps(payload).encode(), at, key)

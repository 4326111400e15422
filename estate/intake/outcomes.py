"""Outcomes that are sent: about a lead, or about whom an answer was about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from estate.intake.rows import Row, Taken, take_rows
from estate.store.realised import leads_of_predictions

if TYPE_CHECKING:
    from sqlalchemy import Connection


def take_outcomes(connection: Connection, sent: Sequence[Row], *, at: datetime) -> Taken:
    """Store outcomes; the same again changes nothing.

    Each names a lead (``lead_id``) or an answer about one (``prediction_id``), its ``kind`` and ``event_at``.
    Its ``outcome_id`` is made of these where the sender has none; one that is known with another time is
    corrected, learned now.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Of an open transaction.
    sent : sequence of mapping
    at : datetime
        The present.
    """
    leads = leads_of_predictions(connection, [name for row in sent if (name := _uuid(row)) is not None])
    wrong: dict[int, list[str]] = {}
    rows: dict[int, Row] = {}
    for position, one in enumerate(sent):
        found = _row(one, leads)
        if isinstance(found, str):
            wrong[position] = [found]
        else:
            rows[position] = found
    places = list(rows)
    taken = take_rows(connection, "outcomes", list(rows.values()), at=at)
    refused = {places[row]: sentences for row, sentences in taken.refused.items()} | wrong
    return replace(taken, refused=dict(sorted(refused.items())))


def _row(sent: Row, leads: Mapping[str, str | None]) -> Row | str:
    """Return the outcome as a row of its contract, or what is wrong with it."""
    row = {name: value for name, value in sent.items() if name != "prediction_id"}
    lead, asked = sent.get("lead_id"), sent.get("prediction_id")
    if (lead is None) == (asked is None):
        return f"lead_id: expected it or prediction_id, got {'neither' if lead is None else 'both'}"
    name = f"lead:{lead}"
    if asked is not None:
        key = _uuid(sent)
        if key is None or key not in leads:
            return "prediction_id: expected one of an answer that is kept, got no such id"
        lead, name = leads[key], f"prediction:{key}"
        if lead is None:
            return "prediction_id: expected an answer about a named lead, got one about a row without a name"
    if row.get("outcome_id") is None:
        row["outcome_id"] = f"{name}:{row.get('kind')}"
    return row | {"lead_id": lead}


def _uuid(row: Row) -> str | None:
    try:
        return str(UUID(str(row.get("prediction_id"))))
    except ValueError:
        return None

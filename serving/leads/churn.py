"""``/v1/leads/{lead}/churn`` and ``…/interventions``: who may leave, and what was made of proposals."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from estate.core.clock import now
from estate.core.errors import DataError, LeadloopError, SettingsError, StoreError
from estate.core.frame import Frame
from estate.core.lead_answer import LeadAnswer
from estate.core.prediction import AnsweredBy
from estate.services.churn.indicators import FACTS
from estate.services.churn.rounds import in_round, present_round
from estate.services.churn.schema import ChurnAnswer, Round
from estate.services.churn.service import Judged, assess
from estate.store.database import Database
from estate.store.interventions import add_event, find_intervention
from serving.body import decode_as, read_body
from serving.called import process_of
from serving.guard.guarded import key_name
from serving.leads.asking import LEAD, Facts, answer_about, facts_about, lead_of
from serving.openapi_parts import Document, body, get, problems, ref
from serving.problems import Problem
from serving.process import Process

MODEL = "churn"
_MOST_BYTES = 4 * 1024
_GET, _POST = (404, 422, 503), (400, 401, 403, 404, 408, 413, 415, 422, 429, 503, 504)
_NO_FACTS = "the signs, and how long the lead has been with the desk, are not known: the database is away"
_NO_KEY = "api"
"""Who notes something where no keys are used."""
_AWAY = StoreError("interventions", expected="an answer of the database", got="none", todo="Try again.")


class MadeOfIt(msgspec.Struct, frozen=True):
    """What was made of a lead's latest proposal."""

    event: Literal["accepted", "declined", "done"]


class Noted(msgspec.Struct, frozen=True):
    """That it was noted; `new` is false where it had been before."""

    lead_id: str
    kind: str
    event: str
    at: datetime
    new: bool


TYPES = (ChurnAnswer, MadeOfIt, Noted)
_decoder = msgspec.json.Decoder(MadeOfIt)


async def churn(request: Request) -> Response:
    """Say how likely a lead leaves, when, by which signs, and what may keep it."""
    lead_id = lead_of(request)
    said = await answer_about(request, MODEL, lead_id)
    answer = await churn_by(request, said, lead_id, await facts_about(request, FACTS, lead_id))
    return Response(msgspec.json.encode(answer), media_type="application/json")


async def churn_by(request: Request, said: LeadAnswer, lead_id: str, facts: Facts | None) -> ChurnAnswer:
    """Return what is known of a lead's leaving; parts that are away are left out, and it says so.

    Parameters
    ----------
    request : Request
    said : LeadAnswer
        What the model said just now.
    lead_id : str
    facts : mapping, optional
        The features of :data:`FACTS` as of now; None while the database is away.
    """
    process, at = process_of(request), now()
    present = await _round(process, lead_id, at) if facts is not None else None
    record = {name: _number(facts[name] if facts is not None else None) for name in FACTS.names}
    judged = Judged(
        lead_id,
        said.score,
        "rules" if said.answered_by is AnsweredBy.RULES else "model",
        said.version,
        said.band_rate,
        said.prediction_id,
    )
    (answer,) = assess(
        [judged],
        Frame({name: np.array([value]) for name, value in record.items()}, 1),
        as_of=at,
        desk=await run_in_threadpool(process.known_desk.get),
        lead_value_usd=process.front.settings.lead_value_usd,
        notes=() if facts is not None and present is not None else (_NO_FACTS,),
    )
    return in_round(answer, present)


async def _round(process: Process, lead_id: str, at: datetime) -> Round | None:
    """Return the round of a lead; None while the database is away."""
    held_back = process.front.settings.intervention_holdback
    try:
        return await run_in_threadpool(
            present_round, process.crm.database, lead_id, as_of=at, held_back=held_back
        )
    except (StoreError, SettingsError):
        return None


def _number(value: float | str | None) -> float:
    return float("nan") if value is None else float(value or 0.0)


async def note(request: Request) -> Response:
    """Note what was made of a lead's latest proposal; the same again changes nothing."""
    lead_id, process = lead_of(request), process_of(request)
    sent = decode_as(_decoder, await read_body(request, _MOST_BYTES), "`event`: accepted, declined or done")
    try:
        who = key_name(request.scope) or _NO_KEY
        noted = await run_in_threadpool(_note, process.crm.database, lead_id, sent, who=who)
    except (StoreError, SettingsError) as error:
        raise Problem(503, _AWAY, {"retry-after": "5"}) from error
    except LeadloopError as error:
        raise Problem(404, error) from error
    status = 201 if noted.new else 200
    return Response(msgspec.json.encode(noted), status, media_type="application/json")


def _note(database: Database, lead_id: str, sent: MadeOfIt, *, who: str) -> Noted:
    at = now()
    with database.begin() as connection:
        found = find_intervention(connection, lead_id, arm="proposed")
        if found is None:
            todo = "GET its churn: `round` says what was proposed."
            raise DataError(
                "lead", expected="one to which something is proposed", got=repr(lead_id), todo=todo
            )
        new = add_event(connection, found.intervention_id, sent.event, who=who, at=at)
    return Noted(lead_id, found.kind, sent.event, at, new)


ROUTES = (
    Route("/v1/leads/{lead}/churn", churn),
    Route("/v1/leads/{lead}/interventions", note, methods=["POST"]),
)


def paths() -> Document:
    """Return the descriptions of the routes."""
    noted = {
        "summary": "Note what was made of a lead's latest proposal",
        "description": "Needs a key of role feedback where keys are used; its name is kept as who noted it. "
        "The same again changes nothing. 404 where nothing is proposed to the lead.",
        "parameters": [LEAD],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref("MadeOfIt"), "example": {"event": "accepted"}}},
        },
        "responses": {
            "201": body("Noted"),
            "200": {**body("Noted"), "description": "It had been noted before."},
            **problems(_POST),
        },
    }
    return {
        "/v1/leads/{lead}/churn": {
            "get": get(
                "How likely a lead leaves, when, by which signs, and what may keep it",
                "ChurnAnswer",
                parameters=[LEAD],
                errors=_GET,
            )
        },
        "/v1/leads/{lead}/interventions": {"post": noted},
    }

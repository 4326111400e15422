"""``/v1/facts/{kind}``, ``/v1/outcomes`` and ``/v1/webhooks/crm``: what comes back in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from estate.core.clock import now
from estate.core.errors import DataError, SettingsError, SignatureError, StoreError
from serving.body import check_count, decode_as, read_body
from serving.called import process_of
from serving.guard.guarded import charge
from serving.intake.schema import EventAnswer, NewFacts, NewOutcomes, RefusedRow, TakenAnswer
from serving.openapi_parts import Document, body, openly, problems, ref
from serving.problems import Problem

if TYPE_CHECKING:
    from estate.intake.rows import Taken

TYPES = (NewFacts, NewOutcomes, TakenAnswer, EventAnswer)

_MOST_EVENT_BYTES = 1024 * 1024
_KIND = {"name": "kind", "in": "path", "required": True, "schema": {"type": "string"}}
_REFUSED = (400, 401, 403, 408, 413, 415, 422, 429, 503, 504)
_AWAY = StoreError(
    "database", expected="an answer", got="none", todo="Nothing was stored. Send the same again."
)
_facts, _outcomes = msgspec.json.Decoder(NewFacts), msgspec.json.Decoder(NewOutcomes)


async def take_facts(request: Request) -> Response:
    """Store rows of one kind of facts."""
    from estate.datasets.contracts import CONTRACTS  # with it comes what reads tables

    kind, limits = request.path_params["kind"], process_of(request).front.limits
    if kind not in CONTRACTS:
        known = ", ".join(CONTRACTS)
        raise Problem(404, DataError("kind of facts", expected=f"one of {known}", got=repr(kind[:80])))
    sent = decode_as(_facts, await read_body(request, limits.body_bytes), "`rows`, a list of objects")
    check_count("rows", len(sent.rows), limits.rows)
    return await _take(request, kind, process_of(request).intake.take, kind, sent.rows)


async def take_outcomes(request: Request) -> Response:
    """Store outcomes of leads."""
    limits = process_of(request).front.limits
    expected = "`outcomes`, a list of objects"
    sent = decode_as(_outcomes, await read_body(request, limits.body_bytes), expected)
    check_count("outcomes", len(sent.outcomes), limits.rows)
    return await _take(request, "outcomes", process_of(request).intake.take_outcomes, sent.outcomes)


async def take_event(request: Request) -> Response:
    """Take an event of the CRM: applied, or on disk, before it is told that all is well."""
    from estate.intake.events import Arrived

    intake = process_of(request).intake
    if not intake.signatures.usable:
        todo = "Set one of them: see docs/serving.md, `Events of the CRM`."
        expected = "LEADLOOP_CRM_KEYS or LEADLOOP_CRM_SECRET"
        raise Problem(403, SettingsError("webhook", expected=expected, got="neither", todo=todo))
    content = await read_body(request, _MOST_EVENT_BYTES)
    try:
        intake.signatures.check(request.headers, content)
    except SignatureError as error:
        raise Problem(401, error) from error
    arrived = Arrived(content, now(), request.headers.get("idempotency-key", ""))
    try:
        applied = await intake.take_event(arrived)
    except DataError as error:
        raise Problem(400, error) from error
    except OSError as error:  # 429 and nothing else makes HighLevel send it again
        full = StoreError("event", expected="a place to keep it", got="neither database nor disk")
        raise Problem(429, full, {"retry-after": "600"}) from error
    if applied is None:
        return _json(EventAnswer("waiting", False, "it is kept, and applied later"), 202)
    event = applied.event
    if event.state == "refused":
        todo = "It is kept: correct the mapping file and run `leadloop events replay`, or send another event."
        raise Problem(422, DataError(event.reason or "event", todo=todo))
    return _json(EventAnswer(event.state, applied.known, event.reason))


async def _take(request: Request, kind: str, job: Any, *given: object) -> Response:
    process = process_of(request)
    charge(request.scope, len(given[-1]))  # type: ignore[arg-type]
    try:
        taken: Taken = await process.intake.in_turn(job, *given)
    except (StoreError, SettingsError) as error:
        raise Problem(503, _AWAY, {"retry-after": "5"}) from error
    refused = [RefusedRow(row, sentences) for row, sentences in taken.refused.items()]
    for state in ("new", "corrected", "known"):
        process.metrics.rows_in.labels(kind, state).inc(getattr(taken, state))
    process.metrics.rows_in.labels(kind, "refused").inc(len(refused))
    good = taken.new + taken.corrected + taken.known
    answer = TakenAnswer(taken.new, taken.corrected, taken.known, refused)
    if good or not refused:
        return _json(answer)
    first = f"row {refused[0].row}: {'; '.join(refused[0].reasons)}"
    problem = Problem(422, DataError(first, todo="No row was stored: `refused` says why, row by row."))
    document = msgspec.json.decode(problem.response().body)
    return Response(
        msgspec.json.encode({**document, "refused": answer.refused}),
        422,
        media_type="application/problem+json",
    )


def paths() -> Document:
    """Return the descriptions of the routes."""
    kept = (
        "Rows that are good are stored, also beside others that are refused; the same again changes nothing."
    )
    facts = _post("Store facts", kept, "NewFacts", {"rows": [_FACT]}, "TakenAnswer")
    facts["parameters"] = [_KIND]
    facts["responses"] |= problems((404,))
    outcomes = _post(
        "Say what became of leads",
        "Each by `lead_id`, or by the `prediction_id` of an answer. " + kept,
        "NewOutcomes",
        {"outcomes": [_OUTCOME]},
        "TakenAnswer",
    )
    event = openly(
        _post(
            "An event of the CRM, in HighLevel's shape",
            "Needs no API key: the body is signed (`x-wh-signature`, `x-ghl-signature`, or `x-signature` "
            "with a shared secret). `webhookId`, or the header `idempotency-key`, names it: the same again "
            "changes nothing. 202 says that it waits on disk.",
            None,
            {"type": "ContactCreate", "id": "lead-17", "dateAdded": "2026-01-05T08:30:00Z"},
            "EventAnswer",
        )
    )
    event["responses"] |= {"202": body("EventAnswer"), **problems((401, 403, 429))}
    return {
        "/v1/facts/{kind}": {"post": facts},
        "/v1/outcomes": {"post": outcomes},
        "/v1/webhooks/crm": {"post": event},
    }


_FACT = {
    "interaction_id": "visit-1",
    "lead_id": "lead-17",
    "kind": "visit",
    "event_at": "2026-01-05T08:30:00Z",
}
_OUTCOME = {"lead_id": "lead-17", "kind": "converted", "event_at": "2026-01-05T08:30:00Z"}


def _post(summary: str, text: str, asked: str | None, example: Document, answer: str) -> Document:
    schema = ref(asked) if asked else {"type": "object"}
    return {
        "summary": summary,
        "description": text,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": example}},
        },
        "responses": {"200": body(answer), **problems(_REFUSED)},
    }


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")

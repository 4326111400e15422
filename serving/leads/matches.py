"""``GET /v1/leads/{lead}/matches``: the homes for sale that suit a lead, with chances and reasons."""

from __future__ import annotations

import math

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from estate.core.clock import now
from estate.core.errors import DataError
from estate.services.property_matching import schema
from estate.services.property_matching.reading import LEAD_PARTS, leads_now
from estate.services.property_matching.schema import Matches
from estate.services.property_matching.service import match
from serving.called import process_of
from serving.home_models import asking
from serving.leads.asking import LEAD, lead_of, unknown_lead
from serving.openapi_parts import Document, get
from serving.problems import Problem
from serving.process import Process

_MOST_AREAS = 50
_WHOLE, _REAL = {"type": "integer"}, {"type": "number"}


class HomeMatch(msgspec.Struct, frozen=True):
    """A home that suits: what it is, how likely each step is, and why it fits."""

    property_id: str
    area: str | None
    kind: str | None
    price_usd: float | None
    bedrooms: float | None
    living_area_sqft: float | None
    score: float
    p_save: float
    p_tour: float
    reasons: list[str]


class MatchesAnswer(msgspec.Struct, frozen=True):
    """The homes that suit a lead, best first; ``relaxed`` names limits that were widened to find enough."""

    lead: str
    source: str
    models: dict[str, str]
    basis: str
    relaxed: list[str]
    for_sale: int
    fitting: int
    homes: list[HomeMatch]


TYPES = (MatchesAnswer,)


async def show_matches(request: Request) -> Response:
    """Show the homes that suit a lead."""
    lead_id, wanted = lead_of(request), request_of(request)
    found = await run_in_threadpool(matches_of, process_of(request), lead_id, wanted)
    return Response(msgspec.json.encode(answer_of(found)), media_type="application/json")


def matches_of(process: Process, lead_id: str, wanted: schema.Request) -> Matches:
    """Return the homes that suit a lead now; what the models said of them is kept.

    Raises
    ------
    Problem
        404 if the lead is not known.
    StoreError
        If the database is away.
    """
    homes = process.crm.homes.read()
    found, histories = process.crm.read_histories([lead_id], LEAD_PARTS)
    if not found:
        raise unknown_lead(lead_id)
    (lead,) = leads_now(found, histories, homes)
    matches = match(wanted, lead, homes, asking(process.models.known))
    for rows in process.shown.rows(matches, at=now()):
        process.log.put(rows)
    return matches


def answer_of(found: Matches) -> MatchesAnswer:
    """Return the answer as it is sent."""
    return MatchesAnswer(
        lead=found.lead_id,
        source=found.source,
        models=found.sources,
        basis=found.basis,
        relaxed=list(found.relaxed),
        for_sale=found.for_sale,
        fitting=found.fitting,
        homes=[
            HomeMatch(**{**{name: getattr(home, name) for name in _FIELDS}, "reasons": list(home.reasons)})
            for home in found.homes
        ],
    )


_FIELDS = HomeMatch.__struct_fields__


def request_of(request: Request) -> schema.Request:
    """Read the query of a request.

    Raises
    ------
    Problem
        422 if a value is wrong.
    """
    query = request.query_params
    areas = tuple(query.getlist("area"))
    try:
        if len(areas) > _MOST_AREAS or not all(area and area.isprintable() for area in areas):
            raise DataError("area", expected=f"at most {_MOST_AREAS} names", got="others")
        k = _number(query.get("k"), "k")
        if k is not None and k != int(k):
            raise DataError("k", expected="a whole number", got=f"{k:g}")
        return schema.Request(
            k=10 if k is None else int(k),
            max_price_usd=_number(query.get("max_price"), "max_price"),
            areas=areas,
            min_bedrooms=_number(query.get("bedrooms"), "bedrooms"),
        )
    except DataError as error:
        raise Problem(422, error) from error


def _number(text: str | None, name: str) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(name, expected="a number", got=repr(text[:40]))
    return value


def paths() -> Document:
    """Return the description of the route."""
    described = get(
        "The homes for sale that suit a lead",
        "MatchesAnswer",
        parameters=[
            LEAD,
            _query("k", "At most so many homes; 10 if left out.", {**_WHOLE, "minimum": 1, "maximum": 100}),
            _query(
                "max_price", "In USD; a tenth above the lead's budget if left out.", {**_REAL, "minimum": 1}
            ),
            _query("bedrooms", "At least so many.", {"type": "number", "minimum": 0, "maximum": 100}),
            _query("area", "May be given several times.", {"type": "array", "items": {"type": "string"}}),
        ],
        errors=(404, 422, 503),
    )
    return {"/v1/leads/{lead}/matches": {"get": described}}


def _query(name: str, said: str, kind: Document) -> Document:
    return {"name": name, "in": "query", "description": said, "schema": kind}

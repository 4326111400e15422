"""``GET /v1/leads/{lead}/review``: everything that the page of a lead shows, in one call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from estate.core.clock import now
from estate.core.errors import LeadloopError
from estate.services.churn.indicators import FACTS
from estate.services.churn.schema import ChurnAnswer
from estate.services.lead_scoring.schema import LeadScore
from estate.services.property_matching import schema as matching
from serving.called import process_of
from serving.leads.asking import LEAD, facts_about, lead_of
from serving.leads.churn import MODEL as CHURN
from serving.leads.churn import churn_by
from serving.leads.matches import MatchesAnswer, answer_of, matches_of
from serving.leads.next_action import NextAction, Standing, Thresholds, next_action
from serving.leads.score import answers_for, score_by
from serving.openapi_parts import Document, get
from serving.problems import problem_of

HOMES = 3
_LEAVING = ("high", "very high")
_Part = TypeVar("_Part")


class LeadReview(msgspec.Struct, frozen=True):
    """What is known of a lead; a part that could not be answered is null, and ``problems`` says why.

    ``next_action`` is what to do now: the first that applies of keeping it, calling it, asking how it will
    pay, sending homes, keeping in touch; null where too little could be answered to tell.
    """

    lead: str
    at: datetime
    score: LeadScore | None
    churn: ChurnAnswer | None
    matches: MatchesAnswer | None
    next_action: NextAction | None
    problems: dict[str, str]


TYPES = (LeadReview,)


async def show_review(request: Request) -> Response:
    """Show everything that is known of a lead."""
    lead_id = lead_of(request)
    problems: dict[str, LeadloopError] = {}

    async def part(name: str, ask: Callable[[], Awaitable[_Part]]) -> _Part | None:
        try:
            return await ask()
        except LeadloopError as error:  # a Problem, such as of an unknown lead, is of the whole answer
            problems[name] = error
            return None

    # One answer of each model, and the facts once, whichever parts read them.
    answers = await answers_for(request, lead_id)
    facts = await facts_about(request, FACTS, lead_id)

    async def scored() -> LeadScore:
        return score_by(lead_id, answers, facts)

    async def leaving() -> ChurnAnswer:
        said = answers[CHURN]
        if isinstance(said, LeadloopError):
            raise said
        return await churn_by(request, said, lead_id, facts)

    score, churn = await part("score", scored), await part("churn", leaving)
    matches = await part("matches", lambda: _matches(request, lead_id))
    if score is None and churn is None and matches is None:
        raise problem_of(next(iter(problems.values())))
    review = LeadReview(
        lead=lead_id,
        at=now(),
        score=score,
        churn=churn,
        matches=matches,
        next_action=next_action(_standing(score, churn, matches), _thresholds(request)),
        problems={name: str(problem_of(error).error) for name, error in problems.items()},
    )
    return Response(msgspec.json.encode(review), media_type="application/json")


async def _matches(request: Request, lead_id: str) -> MatchesAnswer:
    wanted = matching.Request(k=HOMES)
    return answer_of(await run_in_threadpool(matches_of, process_of(request), lead_id, wanted))


def _thresholds(request: Request) -> Thresholds:
    settings = process_of(request).front.settings
    return Thresholds(
        replies=settings.next_action_replies,
        tours=settings.next_action_tours,
        pays=settings.next_action_pays,
    )


def _standing(score: LeadScore | None, churn: ChurnAnswer | None, matches: MatchesAnswer | None) -> Standing:
    homes = matches.homes if matches is not None else []
    home = homes[0].reasons[0] if homes and homes[0].reasons else None
    return Standing(score=score, keep=_keep(churn), homes=len(homes), home=home)


def _keep(churn: ChurnAnswer | None) -> NextAction | None:
    """Return what may keep a lead that is likely to leave; nothing for one that is held back or waits."""
    if churn is None or churn.level not in _LEAVING or not churn.proposals:
        return None
    if churn.round is not None and churn.round.arm != "proposed":
        return None
    begun = churn.round.kind if churn.round is not None else None
    best = next((one for one in churn.proposals if one.kind == begun), churn.proposals[0])
    why = churn.indicators[0].evidence if churn.indicators else f"{churn.risk_now:.0%} to leave"
    return NextAction(best.kind, best.title, why)


def paths() -> Document:
    """Return the description of the route."""
    described = get(
        "Everything that is known of a lead, and what to do next",
        "LeadReview",
        parameters=[LEAD],
        errors=(404, 422, 503),
    )
    described["description"] = "A part that can't be answered is null, and `problems` says why."
    return {"/v1/leads/{lead}/review": {"get": described}}

"""Asking models, and the facts themselves, about leads: for the routes of the lead services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from estate.core.errors import DataError, LeadloopError, SettingsError, StoreError
from estate.core.feature_set import FeatureSet
from estate.core.lead_answer import LeadAnswer
from serving.asking import about_found
from serving.called import ask, process_of, served_model
from serving.leads.answers import Tellers, lead_answers
from serving.models import answering_of
from serving.problems import Problem
from serving.rows import LONGEST_ENTITY
from serving.terms import terms_of

LEAD = {
    "name": "lead",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "maxLength": LONGEST_ENTITY},
}
"""The parameter of a lead in a path, for the OpenAPI document."""
Facts = Mapping[str, float | str | None]
"""Features of a lead as of now; missing is None."""


def lead_of(request: Request) -> str:
    """Return the lead that a path names.

    Raises
    ------
    Problem
        422 if that can't be a lead's id.
    """
    lead_id: str = request.path_params["lead"]
    if not lead_id or len(lead_id) > LONGEST_ENTITY or not lead_id.isprintable():
        expected = f"a lead's id of 1 to {LONGEST_ENTITY} characters"
        raise Problem(422, DataError("lead", expected=expected, got=repr(lead_id[:40])))
    return lead_id


def unknown_lead(lead_id: str) -> Problem:
    """Return the answer about a lead that was never imported."""
    todo = "Import it, or send it to /v1/facts/leads."
    return Problem(404, DataError("lead", expected="one that was imported", got=repr(lead_id), todo=todo))


async def answer_about(
    request: Request, model: str, lead_id: str, *, explain: bool = False, rank: bool = False
) -> LeadAnswer:
    """Return what a model says of a lead; the answer is kept like every other one.

    Parameters
    ----------
    request : Request
    model, lead_id : str
    explain, rank : bool
        Whether its reasons are wanted, and where its score stands.

    Raises
    ------
    Problem
        404 if the lead is not known.
    LeadloopError
        If nothing can answer, or not in time, or the database is away and nothing is kept of the lead.
    """
    process, served = process_of(request), await served_model(request, model)
    terms = terms_of(request.headers)
    answering_of(served)
    leads = await run_in_threadpool(process.crm.read_leads, served.spec, [lead_id])
    if not leads.found:
        raise unknown_lead(lead_id)
    question = about_found(served, leads, terms)
    answered = await ask(request, question)
    (answer,) = await run_in_threadpool(
        lead_answers,
        served,
        question.answering,
        answered,
        leads,
        tellers=Tellers(process.ranks, process.explained),
        find=process.versions_of(served.spec.name),
        explain=explain,
        rank=rank,
    )
    return answer


async def answers_about(
    request: Request, models: Sequence[str], lead_id: str, *, told: Sequence[str] = ()
) -> Mapping[str, LeadAnswer | LeadloopError]:
    """Return what each model says of a lead, or why it says nothing.

    Parameters
    ----------
    request : Request
    models : sequence of str
    lead_id : str
    told : sequence of str
        Models whose reasons, and where their scores stand, are wanted too.

    Raises
    ------
    Problem
        404 if the lead is not known.
    """
    made: dict[str, LeadAnswer | LeadloopError] = {}
    for model in models:  # one after the other: each takes a millisecond or two of one processor
        try:
            wanted = model in told
            made[model] = await answer_about(request, model, lead_id, explain=wanted, rank=wanted)
        except LeadloopError as error:
            made[model] = error
    return made


async def facts_about(request: Request, features: FeatureSet, lead_id: str) -> Facts | None:
    """Return features of a lead as of now, whatever its age; None while the database is away.

    Raises
    ------
    Problem
        404 if the lead is not known.
    """
    try:
        leads = await run_in_threadpool(process_of(request).crm.read_now, features, [lead_id])
    except (StoreError, SettingsError):
        return None
    if not leads.found:
        raise unknown_lead(lead_id)
    return leads.features.records()[0]

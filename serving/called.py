"""What every route that scores does: find the model, ask, and leave word of who answered."""

from __future__ import annotations

from typing import cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from estate.core.errors import SpecError
from serving.lanes import Question
from serving.models import ServedModel
from serving.observed import ANSWERS, ORIGIN
from serving.prediction_log import AnsweredRows
from serving.problems import Problem
from serving.process import Process
from serving.tracing import span


def process_of(request: Request) -> Process:
    """Return the process that a request came to."""
    return cast(Process, request.app.state.process)


async def served_model(request: Request, name: str | None = None) -> ServedModel:
    """Return the model of a name; if none is given, of the one in the path.

    Raises
    ------
    Problem
        404 if there is none.
    """
    name = request.path_params["model"] if name is None else name
    loader = process_of(request).loader
    served = loader.models.known(name) or await run_in_threadpool(loader.find, name)
    if served is None:
        known = ", ".join(model.spec.name for model in loader.models.all())
        raise Problem(404, SpecError(f"model `{name[:80]}`", expected=f"one of {known}", got="no such name"))
    return served


async def ask(request: Request, question: Question) -> AnsweredRows:
    """Answer a question of a request.

    Raises
    ------
    LeadloopError
        If it can't be answered.
    """
    with span("predict", model=question.served.spec.name, rows=question.rows):
        answered = await process_of(request).desk.ask(question)
    scores = answered.scores
    request.scope[ORIGIN] = (answered.model, scores.version, scores.answered_by.value)
    request.scope[ANSWERS] = (len(answered.ids), answered.ids[0])
    return answered

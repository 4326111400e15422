"""Requests about leads answered together: one statement, one call of the model, one record of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from estate.features.live import LeadFeatures
from serving.lanes.pace import Spent
from serving.models import ServedModel, answering_of
from serving.prediction_log import AnsweredRows
from serving.process import Process
from serving.response import add_leads, answers_of, response_of
from serving.schema import Answer
from serving.scoring import rows_of, score


class AskedLeads(NamedTuple):
    """What one request asks.

    Parameters
    ----------
    lead_ids : tuple of str
        Each once.
    explain : bool
    """

    lead_ids: tuple[str, ...]
    explain: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What one request is answered.

    Parameters
    ----------
    body : bytes
    origin : tuple of (str, str, str)
        Model, version, source.
    rows : int
    first_id : str
        Of its predictions.
    """

    body: bytes
    origin: tuple[str, str, str]
    rows: int
    first_id: str


def answer_leads(process: Process, model: str, asked: Sequence[AskedLeads]) -> list[Answered | None]:
    """Answer requests; None for one of which no lead is known: the application says so.

    All are answered by the version that is in service as this begins.

    Raises
    ------
    Exception
        Whatever reading, scoring or explaining raises: of one of these requests, or of all of them.
    """
    served = process.models.known(model)
    if served is None:
        return [None] * len(asked)
    wanted = tuple(dict.fromkeys(lead for one in asked for lead in one.lead_ids))
    leads = process.crm.read_leads(served.spec, wanted)
    known = {lead: row for row, lead in enumerate(leads.found)}
    # Those that want reasons first: then their rows lie together.
    order = sorted(range(len(asked)), key=lambda i: not asked[i].explain)
    rows = {i: [known[lead] for lead in asked[i].lead_ids if lead in known] for i in order}
    told = leads.take([row for i in order for row in rows[i]])
    answers: list[Answered | None] = [None] * len(asked)
    if not told.found:
        return answers
    explained = sum(len(rows[i]) for i in order if asked[i].explain)
    answered, said = _scored(process, served, told, explained)
    start = 0
    for i in order:
        stop = start + len(rows[i])
        if stop > start:
            missing = [lead for lead in asked[i].lead_ids if lead not in known]
            part = told.take(range(start, stop), missing)
            body = msgspec.json.encode(response_of(answered, said[start:stop], part))
            origin = (answered.model, answered.scores.version, answered.scores.answered_by.value)
            answers[i] = Answered(body, origin, stop - start, answered.ids[start])
        start = stop
    return answers


def _scored(
    process: Process, served: ServedModel, leads: LeadFeatures, explained: int
) -> tuple[AnsweredRows, list[Answer]]:
    """Score leads and say why of the first ones; all is in the journal when this returns."""
    answering, find, began = answering_of(served), process.versions_of(served.spec.name), Spent.now()
    answered = score(served, answering, leads.features, leads.found)
    process.desk.lane(served.spec.name).pace.note(len(leads.found), began.until_now())
    answers = answers_of(served, answering, answered, find)
    add_leads(answers, leads)
    if explained and served.bare is not None:
        features, scores = rows_of(leads.features, 0, explained), answered.scores.part(0, explained)
        reasons = process.explained.reasons_of(features, scores, served.bare, served.spec, find)
        for answer, of_row in zip(answers, reasons, strict=False):
            answer.reasons = of_row
    process.desk.keep(answered)  # before anybody hears of it
    process.metrics.batch_rows.labels(served.spec.name).observe(len(leads.found))
    return answered, answers

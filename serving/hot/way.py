"""One model's short way: takes small requests, answers all that came in the same moment at once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from time import perf_counter

from estate.core.prediction_id import new_ids
from serving.hot.asker import Asker
from serving.hot.lead_way import LeadWay
from serving.hot.plan import NotPlain, Plan, Values
from serving.hot.reply import Reply
from serving.lanes.pace import Spent
from serving.models import ServedModel
from serving.predictors import Cases
from serving.process import Process
from serving.scoring import kept, scores_of

logger = logging.getLogger(__name__)

MOST_ROWS = 64
"""Of one request; a larger one goes the usual way."""
_FLUSH_ROWS = 256
_ABOUT_LEADS = b'"lead_ids"'


@dataclass(slots=True)
class _Taken:
    asker: Asker
    rows: list[Values]
    since: float


class Way:
    """Takes requests to one model.

    Parameters
    ----------
    name : str
        Of the model.
    process : Process
    reply : Reply
    loop : AbstractEventLoop
        Its thread is the only one that comes here.
    """

    def __init__(self, name: str, process: Process, reply: Reply, loop: asyncio.AbstractEventLoop) -> None:
        self._name, self._reply, self._loop = name, reply, loop
        self._models, self._desk = process.models, process.desk
        self._lane = self._desk.lane(name)
        self._leads = LeadWay(name, process, reply, loop)
        self._plan: Plan | None = None
        self._planned: ServedModel | None = None
        self._taken: list[_Taken] = []
        self._rows = 0

    def take(self, asker: Asker, body: bytes) -> int:
        """Take a request; returns its number of rows, or 0 where the usual way must answer it."""
        if _ABOUT_LEADS in body and (leads := self._leads.take(asker, body)):
            return leads
        plan = self._present_plan()
        if plan is None or not self._lane.is_free_and_quick(plan.answering):
            return 0
        try:
            rows = plan.read(body)
        except NotPlain:
            return 0
        if len(rows) > MOST_ROWS or not asker.charge(len(rows)):
            return 0
        if not self._taken:
            self._loop.call_soon(self.flush)
        self._taken.append(_Taken(asker, rows, perf_counter()))
        self._rows += len(rows)
        if self._rows >= _FLUSH_ROWS:
            self.flush()
        return len(rows)

    def flush(self) -> None:
        """Answer everything that was taken."""
        taken, self._taken, self._rows = self._taken, [], 0
        plan = self._plan
        if not taken or plan is None:
            return
        try:
            self._answer(plan, taken)
        except Exception as error:  # one request's rows may be at fault: each is answered by itself
            logger.info(
                "handed_over model=%s requests=%d error=%s", self._name, len(taken), type(error).__name__
            )
            for request in taken:
                request.asker.hand_over()

    def give_back(self, asker: Asker) -> None:
        """Let the application answer what a connection asked about leads, if its turn has not come."""
        self._leads.give_back(asker)

    def _present_plan(self) -> Plan | None:
        """Return how rows are read now; those taken for the version before are answered by that one."""
        served = self._models.known(self._name)
        if served is None:
            return None
        plan = self._plan
        if served is not self._planned or (plan is not None and plan.answering is not served.answering):
            self.flush()
            self._plan, self._planned = Plan.of(served), served
        return self._plan

    def _answer(self, plan: Plan, taken: list[_Taken]) -> None:
        began = Spent.now()
        rows = taken[0].rows if len(taken) == 1 else [row for request in taken for row in request.rows]
        features = plan.features(rows)
        entities = [row[0] for row in rows]
        ids = new_ids(len(rows))
        scores = scores_of(plan.answering, Cases.about(features, entities, ids))
        answered = kept(plan.served, features, entities, scores, ids=ids)
        self._lane.pace.note(len(rows), began.until_now())
        self._desk.keep(answered)  # before anybody hears of it
        counts = [len(request.rows) for request in taken]
        parts = self._reply.parts(plan.served, plan.answering, answered, counts)
        for request, (head, body) in zip(taken, parts, strict=True):
            request.asker.answer(head, body)
        self._reply.count(answered, [request.since for request in taken])

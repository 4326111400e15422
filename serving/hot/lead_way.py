"""One model's short way for leads: a thread answers all that wait, while others gather for its next turn.

The leads of all these requests are read in one statement, scored in one call and explained together. Only
the event loop touches what is here; the thread gets a batch, and the loop hears when it is done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter

import msgspec

from estate.core.errors import SettingsError, StoreError
from serving.hot.asker import Asker
from serving.hot.lead_batch import Answered, AskedLeads, answer_leads
from serving.hot.reply import Reply
from serving.lanes.question import PATIENCE_SECONDS
from serving.process import Process
from serving.request_log import AnsweredRequest

logger = logging.getLogger(__name__)

MOST_LEADS = 64
"""Of one request, and of the requests that are answered together."""
MOST_WAITING = 1000
"""Requests; where more wait, the usual way says who is turned away."""
_USUAL_SECONDS = 1.0
"""For so long nobody goes the short way after the database gave no answer."""


class _Request(msgspec.Struct):
    lead_ids: list[str]
    explain: bool = False
    rows: None = None


@dataclass(slots=True, eq=False)
class _Taken:
    asker: Asker
    asked: AskedLeads
    since: float


class LeadWay:
    """Takes requests about leads to one model.

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
        self._name, self._process, self._reply, self._loop = name, process, reply, loop
        self._lane = process.desk.lane(name)
        self._decode = msgspec.json.Decoder(_Request).decode
        self._waiting: list[_Taken] = []
        self._busy = False
        self._usual_until = 0.0
        # Its thread ends with it: nobody need close it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"leads-{name}")

    def take(self, asker: Asker, body: bytes) -> int:
        """Take a request; returns its number of leads, or 0 where another way must answer it."""
        if not self._is_open():
            return 0
        asked = self._read(body)
        if asked is None or not asker.charge(len(asked.lead_ids)):
            return 0
        if not self._waiting:
            self._loop.call_soon(self._next)
        self._waiting.append(_Taken(asker, asked, perf_counter()))
        return len(asked.lead_ids)

    def give_back(self, asker: Asker) -> None:
        """Let the application answer a connection's request, if its turn has not come."""
        for taken in self._waiting:
            if taken.asker is asker:
                self._waiting.remove(taken)
                asker.hand_over()
                return

    def _is_open(self) -> bool:
        served = self._process.models.known(self._name)
        if served is None or served.answering is None or not served.spec.computes_from_histories:
            return False
        if self._loop.time() < self._usual_until or len(self._waiting) >= MOST_WAITING:
            return False
        return self._lane.is_free_and_quick(served.answering)

    def _read(self, body: bytes) -> AskedLeads | None:
        try:
            if not body.isascii():
                body.decode()  # the decoder does not look into texts of fields that it skips
            request = self._decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        leads = tuple(dict.fromkeys(request.lead_ids))
        if not leads or len(request.lead_ids) > MOST_LEADS or any(not n or "\0" in n for n in leads):
            return None
        return AskedLeads(leads, request.explain)

    def _next(self) -> None:
        """Give the thread what waits, as much as is answered together; not what has waited too long."""
        if self._busy:
            return
        if self._loop.time() < self._usual_until:
            self._hand_over(len(self._waiting))
        oldest = perf_counter() - PATIENCE_SECONDS
        self._hand_over(sum(taken.since < oldest for taken in self._waiting))
        if not self._waiting:
            return
        leads = size = 0
        for taken in self._waiting:
            leads += len(taken.asked.lead_ids)
            if leads > MOST_LEADS:
                break
            size += 1
        batch, self._waiting = self._waiting[:size], self._waiting[size:]
        for taken in batch:
            taken.asker.wait()
        self._busy = True
        work = self._thread.submit(answer_leads, self._process, self._name, [t.asked for t in batch])
        work.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._done, batch, done))

    def _hand_over(self, first: int) -> None:
        """Let the application answer the first ones that wait: it knows how long each may take."""
        late, self._waiting = self._waiting[:first], self._waiting[first:]
        for taken in late:
            taken.asker.hand_over()

    def _done(self, batch: Sequence[_Taken], work: Future[list[Answered | None]]) -> None:
        self._busy = False
        error = work.exception()
        if isinstance(error, StoreError | SettingsError):
            self._usual_until = self._loop.time() + _USUAL_SECONDS
        self._next()  # the thread goes on while these are sent
        if error is None:
            answers = work.result()
        else:  # one request may be at fault: the application answers each by itself
            logger.info(
                "handed_over model=%s requests=%d error=%s", self._name, len(batch), type(error).__name__
            )
            answers = [None] * len(batch)
        for taken, answered in zip(batch, answers, strict=True):
            if answered is None:
                taken.asker.hand_over()
            else:
                self._send(taken, answered)

    def _send(self, taken: _Taken, answered: Answered) -> None:
        head = self._reply.head(answered.body)
        key, request = taken.asker.key_name, taken.asker.answer(head, answered.body)
        self._reply.count_one(answered.origin, taken.since)
        seconds, log = perf_counter() - taken.since, self._process.front.request_log
        if log.wants(200, seconds):
            said = AnsweredRequest(
                request, "predict", 200, seconds, *answered.origin, key, answered.rows, answered.first_id
            )
            log.note(said)

"""Tables of any length: scored batch by batch as they arrive, answered while they do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from estate.core.errors import LeadloopError
from serving.body import content_type
from serving.called import ask, process_of
from serving.guard.guarded import charge, most_at_once
from serving.lanes import Overloaded, Priority, Question
from serving.limits import Limits
from serving.models import ServedModel, answering_of
from serving.observed import ANSWERS
from serving.prediction_log import AnsweredRows
from serving.problems import Problem
from serving.protocols.arrow_body import arrow_batches
from serving.protocols.columns import Columns
from serving.protocols.parquet_body import parquet_batches
from serving.protocols.spool import Spool
from serving.protocols.table_answer import ARROW, KINDS, Writer, answer_kind, writer_of
from serving.terms import TIMEOUT, terms_of

logger = logging.getLogger(__name__)

PIECE_ROWS = 2_048
_PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = 0.05


async def score_table(request: Request, served: ServedModel) -> Response:
    """Score the rows of a table.

    Raises
    ------
    Problem, LeadloopError
        If it goes wrong before the first answer; later the answer breaks off.
    """
    kind = content_type(request.headers, KINDS)
    wanted = answer_kind(request.headers.get("accept"), kind)
    answers = _Table(request, served, kind).answers()
    first = await anext(answers, None)
    limits = process_of(request).front.limits
    return TableResponse(first, answers, writer_of(wanted), limits, media_type=wanted)


class TableResponse(Response):
    """An answer that is sent while it is made; one that can't be finished ends without its end.

    Parameters
    ----------
    first : AnsweredRows, optional
        None where the table has no rows.
    answers : async generator of AnsweredRows
        Those after it.
    writer : Writer
    limits : Limits
    media_type : str
    """

    def __init__(
        self,
        first: AnsweredRows | None,
        answers: AsyncGenerator[AnsweredRows],
        writer: Writer,
        limits: Limits,
        *,
        media_type: str,
    ) -> None:
        super().__init__(media_type=media_type)
        del self.headers["content-length"]
        self._first, self._answers, self._writer = first, answers, writer
        self._spool = Spool(limits.spool_bytes)
        self._whole = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer; without its last message the server closes the connection."""
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        making = asyncio.create_task(self._make())
        try:
            async for part in self._spool.parts():
                await send({"type": "http.response.body", "body": part, "more_body": True})
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)  # it has told the log what went wrong
        if self._whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _make(self) -> None:
        try:
            if self._first is not None:
                await self._put(self._first)
            async for answered in self._answers:
                await self._put(answered)
            await self._spool.put(await run_in_threadpool(self._writer.end))
            self._whole = True
        except ClientDisconnect:
            logger.info("table_abandoned")
        except (LeadloopError, Problem) as error:
            what = error.error if isinstance(error, Problem) else error
            logger.warning("table_broken_off error=%s what=%s", type(what).__name__, what.what)
        except Exception as error:  # what nobody expected must end the answer, too
            logger.error("table_broken_off error=%s", type(error).__name__)
        finally:
            await self._answers.aclose()
            await self._spool.end()

    async def _put(self, answered: AnsweredRows) -> None:
        await self._spool.put(await run_in_threadpool(self._writer.add, answered))


@dataclass
class _Table:
    """One table; all of its rows are answered by what answered when it began to come."""

    request: Request
    served: ServedModel
    kind: str
    rows: int = 0

    async def answers(self) -> AsyncGenerator[AnsweredRows]:
        """Yield the answers piece by piece."""
        columns = Columns.of(self.served, answering_of(self.served))
        first = ""
        piece_rows = min(PIECE_ROWS, most_at_once(self.request.scope) or PIECE_ROWS)
        async for batch in self._batches(columns, piece_rows):
            for start in range(0, batch.num_rows, piece_rows):
                answered = await self._answer(columns, batch.slice(start, piece_rows))
                first = first or answered.ids[0]
                self.request.scope[ANSWERS] = (self.rows, first)
                yield answered

    def _batches(self, columns: Columns, piece_rows: int) -> AsyncIterator[Any]:
        limits, parts = process_of(self.request).front.limits, self.request.stream()
        if self.kind == ARROW:
            return arrow_batches(parts, columns, limits.batch_bytes)
        return parquet_batches(parts, columns, limits.spool_bytes, limits.batch_bytes, piece_rows)

    async def _answer(self, columns: Columns, piece: Any) -> AnsweredRows:
        entities = await run_in_threadpool(columns.entities, piece, self.rows)
        await self._pay(piece.num_rows)
        terms, patience = terms_of(self.request.headers), _PATIENCE_SECONDS
        if TIMEOUT in self.request.headers:
            patience = terms.deadline - monotonic()
        row = self.rows
        question = Question(
            served=self.served,
            answering=columns.answering,
            features=lambda: columns.features(piece, row),
            entities=entities,
            priority=Priority.BULK if terms.priority is None else terms.priority,
            deadline=monotonic() + patience,
        )
        answered = await self._ask(question)
        self.rows += piece.num_rows
        return answered

    async def _ask(self, question: Question) -> AnsweredRows:
        """Ask; once answers have begun to flow, wait for room rather than break off."""
        while True:
            try:
                return await ask(self.request, question)
            except Overloaded:
                if not self.rows or monotonic() > question.deadline:
                    raise
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _pay(self, rows: int) -> None:
        """Take rows from the caller's rate; once answers have begun to flow, no faster than that."""
        while True:
            try:
                return charge(self.request.scope, rows, paid=0 if self.rows else 1)
            except Problem as problem:
                if not self.rows or problem.status != 429:
                    raise
                await asyncio.sleep(float(problem.headers["retry-after"]))

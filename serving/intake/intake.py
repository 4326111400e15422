"""Brings what is sent into the database; one request at a time in a process, beside those that ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool

from estate.core.clock import now
from estate.core.errors import SettingsError, StoreError
from estate.core.settings import Settings
from serving.intake.inbox import Inbox
from serving.intake.signatures import Signatures, load_signatures
from serving.metrics import Metrics

if TYPE_CHECKING:
    from estate.datasets.mapping import Mapping as Names
    from estate.intake.events import Applied, Arrived
    from estate.intake.rows import Taken
    from estate.store.database import Database

_MOST_WAITING = 16


class Intake:
    """What the routes of this package do with what they are sent.

    What reads tables (pandas, pandera) is loaded with the first request: a process that is only asked for
    scores never pays for it.

    Parameters
    ----------
    settings : Settings
    find : callable
        Returns the database; raises SettingsError where no address is known yet.
    metrics : Metrics
    """

    def __init__(self, settings: Settings, find: Callable[[], Database], metrics: Metrics) -> None:
        self._settings, self._find, self._metrics = settings, find, metrics
        self.inbox = Inbox(settings.home / "serving" / "inbox", self.apply)
        self.signatures: Signatures = load_signatures(settings)
        self._names: Names | None = None
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    def start(self) -> None:
        """Begin to bring in events that wait on disk.

        Raises
        ------
        ImportFileError
            If the mapping file of the CRM's contacts can't be used.
        """
        if self._settings.crm_mapping is not None:
            self.names()
        self.inbox.start()

    def close(self) -> None:
        """Stop; what waits stays on disk."""
        self.inbox.close()

    async def in_turn(self, job: Callable[..., Any], *given: object) -> Any:
        """Do a job in a thread, when those that came before are done."""
        self._waiting += 1
        try:
            async with self._turn:
                return await run_in_threadpool(job, *given)
        finally:
            self._waiting -= 1

    async def take_event(self, arrived: Arrived) -> Applied | None:
        """Apply an event in its turn; one that would wait long is kept on disk at once, and None returned.

        Raises
        ------
        DataError
            If it is not a JSON object.
        OSError
            If it can't be applied now, and the disk does not take it either.
        """
        if self._waiting < _MOST_WAITING:
            kept: Applied | None = await self.in_turn(self._apply_or_keep, arrived)
            return kept
        await run_in_threadpool(self._keep, arrived)
        return None

    def names(self) -> Names:
        """Return what the CRM's contacts call our columns."""
        from estate.datasets.mapping import Mapping as Names
        from estate.datasets.mapping import read_mapping

        if self._names is None:
            path = self._settings.crm_mapping
            names = read_mapping(path) if path is not None else Names()
            names.check("leads")
            self._names = names
        return self._names

    def apply(self, arrived: Arrived) -> Applied:
        """Apply an event.

        Raises
        ------
        DataError
            If it is not a JSON object.
        StoreError, SettingsError
            If the database is away.
        """
        from estate.intake.events import apply_event

        applied = apply_event(self._find(), arrived, self.names())
        state = "known" if applied.known and applied.event.state != "refused" else applied.event.state
        self._metrics.events.labels(state).inc()
        return applied

    def _apply_or_keep(self, arrived: Arrived) -> Applied | None:
        try:
            return self.apply(arrived)
        except (StoreError, SettingsError):
            self._keep(arrived)
            return None

    def _keep(self, arrived: Arrived) -> None:
        from estate.intake.events import decode_event

        decode_event(arrived.body)  # what is no JSON would only be set aside later
        self.inbox.put(arrived)
        self._metrics.events.labels("waiting").inc()

    def take(self, kind: str, rows: Sequence[Mapping[str, Any]]) -> Taken:
        """Store rows of a kind.

        Raises
        ------
        DataError
            If the kind is unknown.
        StoreError, SettingsError
            If the database is away; nothing is stored then.
        """
        from estate.intake.rows import take_rows

        with self._find().begin() as connection:
            return take_rows(connection, kind, rows, at=now())

    def take_outcomes(self, sent: Sequence[Mapping[str, Any]]) -> Taken:
        """Store outcomes of leads, or of those whom answers were about.

        Raises
        ------
        StoreError, SettingsError
            If the database is away; nothing is stored then.
        """
        from estate.intake.outcomes import take_outcomes

        with self._find().begin() as connection:
            return take_outcomes(connection, sent, at=now())

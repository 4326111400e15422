"""Who is training a model right now: one lease a model, kept by a heartbeat on the database's own clock.

A run takes the lease in the transaction that marks its request ``running``, and gives it back in the one that
marks its end; only the holder can mark that. A holder that is silent for 30 seconds has lost it, as has one
whose process has ended on the machine where the next one asks.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.core.errors import StoreError, TrainingError
from estate.core.process_mark import is_surely_gone, mark_of_this_process
from estate.store.database import Database
from estate.store.training_tables import training_leases as table

LAPSES_AFTER = timedelta(seconds=30)
BEAT_SECONDS = 5.0

_clock = sa.func.clock_timestamp()


@dataclass(frozen=True)
class Lease:
    """The right to train a model.

    Parameters
    ----------
    model, request_id : str
    token : str
        Tells this holder from any earlier and later one.
    """

    model: str
    request_id: str
    token: str


def take(connection: sa.Connection, model: str, request_id: str) -> Lease | None:
    """Take the lease of a model for this process; None if a living run holds it."""
    lease = Lease(model, request_id, str(uuid.uuid4()))
    _free_if_gone(connection, model)
    values = {"request_id": request_id, "token": lease.token, "holder": mark_of_this_process()}
    taken = connection.execute(
        insert(table)
        .values(model=model, **values, taken_at=_clock, seen_at=_clock)
        .on_conflict_do_update(
            index_elements=[table.c.model],
            set_={**values, "taken_at": _clock, "seen_at": _clock},
            where=table.c.seen_at < _clock - LAPSES_AFTER,
        )
        .returning(table.c.token)
    ).scalar_one_or_none()
    return lease if taken else None


def beat(connection: sa.Connection, lease: Lease) -> bool:
    """Say that the holder lives; False if another one has the lease."""
    held = sa.update(table).where(*_is(lease)).values(seen_at=_clock)
    return connection.execute(held).rowcount > 0


def give_back(connection: sa.Connection, lease: Lease) -> None:
    """Free the lease.

    Raises
    ------
    TrainingError
        If another run has taken it: what this one was about to write is not its own to write.
    """
    if connection.execute(sa.delete(table).where(*_is(lease))).rowcount == 0:
        raise _lost(lease)


def free(connection: sa.Connection, request_id: str) -> None:
    """Free the lease of a request whose run is known to have ended."""
    connection.execute(sa.delete(table).where(table.c.request_id == request_id))


def held_requests(connection: sa.Connection) -> frozenset[str]:
    """Return the requests whose holder lives; leases of the others are freed."""
    rows = connection.execute(
        sa.select(table.c.request_id, table.c.holder).where(table.c.seen_at >= _clock - LAPSES_AFTER)
    ).all()
    return frozenset(row.request_id for row in rows if not is_surely_gone(row.holder))


@contextmanager
def kept(database: Database, lease: Lease) -> Iterator[Kept]:
    """Beat for a lease, beside whatever the block does."""
    keeper = Kept(database, lease)
    thread = threading.Thread(target=keeper.run, name=f"lease of {lease.model}", daemon=True)
    thread.start()
    try:
        yield keeper
    finally:
        keeper.stop.set()
        thread.join()


class Kept:
    """A lease with its heartbeat."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self.database = database
        self.lease = lease
        self.stop = threading.Event()
        self._lost = threading.Event()

    def run(self) -> None:
        """Beat until it is stopped or the lease is lost; a database that is away is asked again."""
        while not self.stop.wait(BEAT_SECONDS):
            try:
                with self.database.begin() as connection:
                    held = beat(connection, self.lease)
            except (StoreError, sa.exc.DBAPIError):
                continue
            if not held:
                self._lost.set()
                return

    def require(self) -> None:
        """Stop a run that another one has replaced.

        Raises
        ------
        TrainingError
            If the lease is lost.
        """
        if self._lost.is_set():
            raise _lost(self.lease)


def _free_if_gone(connection: sa.Connection, model: str) -> None:
    found = connection.execute(sa.select(table).where(table.c.model == model).with_for_update()).one_or_none()
    if found is not None and is_surely_gone(found.holder):
        connection.execute(sa.delete(table).where(table.c.model == model, table.c.token == found.token))


def _is(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.model == lease.model, table.c.token == lease.token


def _lost(lease: Lease) -> TrainingError:
    return TrainingError(
        f"training of `{lease.model}`",
        expected="to be the only one",
        got=f"another run has taken over request {lease.request_id}: this one was silent for too long",
        todo="Nothing is lost; see the other run in the Prefect UI.",
    )

"""Waiting for Postgres to say that the ledger has a new row.

A wait ends at once when a row is announced and after a while in any case, so whoever waits may miss an
announcement (the connection broke, the server restarted) and is only as late as one wait is long.
"""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Callable
from time import monotonic

import psycopg
from psycopg import sql

from estate.core.errors import LeadloopError
from estate.store.database import psycopg_url
from estate.store.ledger import CHANNEL

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 2.0
_CONNECT_SECONDS = 3


class Announcements:
    """Listens on a connection of its own; makes it anew when it broke.

    Used by one thread at a time.

    Parameters
    ----------
    address : callable
        Returns the database's address, asked at each connection; raises SettingsError where none is known.
    pause : callable
        Waits so many seconds without listening; returns early where the waiting is to end.
    channel : str
    """

    def __init__(
        self, address: Callable[[], str], pause: Callable[[float], object], *, channel: str = CHANNEL
    ) -> None:
        self._address, self._pause, self._channel = address, pause, channel
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._retry_at = 0.0
        self._ended = False
        self._wake: tuple[int, int] | None = None  # what is written to the second ends a wait on the first

    @property
    def listening(self) -> bool:
        """Whether an announcement would be heard now."""
        return self._connection is not None and not self._connection.closed

    def connect(self) -> None:
        """Begin to listen, unless that failed just now; what is announced from here on is heard."""
        if self.listening or monotonic() < self._retry_at:
            return
        try:
            url = psycopg_url(self._address()).set(drivername="postgresql")
            self._connection = psycopg.connect(
                url.render_as_string(hide_password=False),
                autocommit=True,
                connect_timeout=_CONNECT_SECONDS,
                keepalives_idle=30,
            )
            self._connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
        except (psycopg.Error, LeadloopError) as error:
            self._lost(error)

    def wait(self, seconds: float) -> bool:
        """Wait until something is announced, but no longer than so many seconds; say whether it was."""
        if self._connection is None:
            self._pause(seconds)
            return False
        if self._wake is None:
            self._wake = os.pipe()
        if self._ended:
            return False
        until = monotonic() + seconds
        try:
            heard = self._heard(self._connection) or (
                _something_came(self._connection, self._wake[0], seconds) and self._heard(self._connection)
            )
        except (psycopg.Error, OSError) as error:
            self._lost(error)
            self._pause(max(0.0, until - monotonic()))  # never a busy loop
            return False
        return heard

    def end(self) -> None:
        """End the wait, and every later one, at once; from another thread than the one that waits."""
        self._ended = True
        if self._wake is not None:
            os.write(self._wake[1], b"\0")

    def close(self) -> None:
        """Stop listening, for good."""
        self._disconnect()
        wake, self._wake, self._ended = self._wake, None, True
        for end in wake or ():
            os.close(end)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _heard(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
        return bool(list(connection.notifies(timeout=0, stop_after=1)))

    def _lost(self, error: Exception) -> None:
        self._disconnect()
        self._retry_at = monotonic() + _RETRY_SECONDS
        logger.info("announcements_away error=%s", type(error).__name__)


def _something_came(connection: psycopg.Connection[tuple[object, ...]], wake: int, seconds: float) -> bool:
    """Wait in the kernel: psycopg itself wakes ten times a second, and each time takes Python's lock."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    waiting.register(wake, select.POLLIN)
    return any(found != wake for found, _ in waiting.poll(seconds * 1000))

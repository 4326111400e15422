"""What is known of the desk as a whole, read again now and then, and kept while the database is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic

from estate.core.errors import LeadloopError
from estate.services.churn.service import Desk
from estate.store.database import Database
from estate.store.interventions import latest_desk

logger = logging.getLogger(__name__)

_SECONDS = 60.0


class KnownDesk:
    """Reads what the nightly pass has measured; safe to share between threads.

    Parameters
    ----------
    find : callable
        Returns the database; asked at each reading.
    """

    def __init__(self, find: Callable[[], Database]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._known, self._until = Desk(), 0.0

    def get(self) -> Desk:
        """Return what was measured last, as far as it could be read; what is stated where nothing was."""
        with self._lock:
            if monotonic() < self._until:
                return self._known
            self._until = monotonic() + _SECONDS
        try:
            with self._find().begin() as connection:
                document = latest_desk(connection)
            if document is not None:
                self._known = Desk.of(document)
        except LeadloopError as error:
            logger.warning("known_desk_not_read error=%s", type(error).__name__)
        return self._known

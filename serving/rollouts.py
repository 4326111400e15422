"""Carries out every rollout that the ledger has open, and says how each goes."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping
from time import monotonic, time

from estate.core.errors import LeadloopError
from estate.core.rollout import RolloutReport
from estate.store.ledger import Entry
from serving.loader import Loader
from serving.models import ServedModel
from serving.rollout import KeepCompared, OpenRollout

logger = logging.getLogger(__name__)

Report = Callable[[RolloutReport], None]
"""Keeps a report where the reconciler reads it; raises StoreError or SettingsError while that is away."""

_REPORT_SECONDS = 0.45  # a little less than the follower's pause: every one of its looks reports


class Rollouts:
    """The open rollouts of one process; used by the follower's thread, read by requests.

    Parameters
    ----------
    loader : Loader
    report : callable
    process : str, optional
        Name of this process among all that serve; host, process number and start if not given.
    keep_compared : callable, optional
        Takes what the two versions of a shadow said of the same rows.
    """

    def __init__(
        self,
        loader: Loader,
        report: Report,
        *,
        process: str | None = None,
        keep_compared: KeepCompared | None = None,
    ) -> None:
        self.process, self._keep_compared = process or process_name(), keep_compared
        self._loader, self._report = loader, report
        self._open: dict[str, OpenRollout] = {}
        self._told: dict[str, tuple[str, float]] = {}

    def of(self, model: str) -> OpenRollout | None:
        """Return the open rollout of a model."""
        return self._open.get(model)

    @property
    def under_way(self) -> bool:
        """Whether any rollout is open."""
        return bool(self._open)

    def follow(self, entries: Mapping[str, Entry], find: Callable[[str], ServedModel | None]) -> None:
        """Begin, carry on and end what the ledger says.

        Parameters
        ----------
        entries : mapping
            What started each open rollout, by model.
        find : callable
            Returns a model that is served here.
        """
        for model, present in list(self._open.items()):
            if model not in entries or entries[model].seq != present.entry.seq:
                del self._open[model]
                self._told.pop(model, None)
                present.end(self._loader.models.known(model))
        for model, entry in entries.items():
            served = find(model)
            if served is not None:
                self._carry_out(served, entry)

    def close(self) -> None:
        """Stop all work."""
        for present in self._open.values():
            present.close()

    def _carry_out(self, served: ServedModel, entry: Entry) -> None:
        model = entry.model
        if model not in self._open:
            self._open[model] = OpenRollout(entry, self._loader, self._keep_compared)
            self._open[model].start(served.spec)
        present = self._open[model]
        present.carry_out(served)
        self._tell(model, present.report(self.process))

    def _tell(self, model: str, report: RolloutReport) -> None:
        state, due = self._told.get(model, ("", 0.0))
        if report.state == state and monotonic() < due:
            return
        try:
            self._report(report)
        except LeadloopError as error:
            logger.warning("rollout_not_reported model=%s error=%s", model, type(error).__name__)
            return
        self._told[model] = (report.state, monotonic() + _REPORT_SECONDS)


def process_name() -> str:
    """Return a name that no other serving process has, now or later."""
    return f"{socket.gethostname()}:{os.getpid()}:{int(time())}"

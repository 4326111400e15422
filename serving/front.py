"""What stands before the routes: who may ask, how much, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass

from estate.core.settings import Settings
from serving.guard.binding import is_loopback
from serving.guard.guard import Guard
from serving.guard.key_file import key_file
from serving.guard.rates import Rates
from serving.limits import Limits, limits_of
from serving.memory import MemoryWatch
from serving.metrics import Metrics
from serving.request_log import RequestLog
from serving.shared import shared_folder
from serving.tracing import check_tracing, is_tracing, start_tracing, stop_tracing


@dataclass(frozen=True)
class Front:
    """What every request passes.

    Parameters
    ----------
    settings : Settings
    guard : Guard
    limits : Limits
    request_log : RequestLog
    memory : MemoryWatch
    metrics : Metrics
    """

    settings: Settings
    guard: Guard
    limits: Limits
    request_log: RequestLog
    memory: MemoryWatch
    metrics: Metrics

    @property
    def metrics_open(self) -> bool:
        """Whether ``/metrics`` needs no key."""
        said = self.settings.metrics_open
        return is_loopback(self.settings.host) if said is None else said

    @property
    def watches_each(self) -> bool:
        """Whether every request leaves a line or a trace: then none goes the short way."""
        return is_tracing() or self.request_log.wants(200, 0.0)

    def refused(self, reason: str) -> None:
        """Count a request that the guard refused."""
        self.metrics.refusals.labels(reason).inc()

    def start(self) -> None:
        """Begin to watch and to trace."""
        start_tracing(self.settings)
        self.memory.start()

    def close(self) -> None:
        """Send the last traces."""
        self.memory.close()
        stop_tracing()


def make_front(settings: Settings, metrics: Metrics) -> Front:
    """Wire the front of a serving process that listens on ``settings.host``.

    Raises
    ------
    SettingsError
        If the key file can't be read, or traces can't be sent as the settings say.
    """
    check_tracing(settings)
    folder = shared_folder()
    guard = Guard(
        key_file(settings),
        Rates(folder / "rates" if folder else None),
        must=not is_loopback(settings.host),
        rate=settings.serving_rate,
    )
    return Front(
        settings,
        guard,
        limits_of(settings),
        RequestLog(settings.serving_slow_ms / 1000),
        MemoryWatch(metrics.memory),
        metrics,
    )

"""What serving counts: names of models and versions as labels, never a case's id or values.

Among several workers (:mod:`serving.shared`) each counts into files of its own that are mapped into memory,
and every one of them shows the sum.
"""

from __future__ import annotations

from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector

from serving.bulk_histogram import BulkHistogram
from serving.shared import process_name, shared_folder

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096, 16384)
_MODEL, _VERSION, _ORIGIN = ("model",), ("model", "version"), ("model", "version", "answered_by")
_SIDE = ("model", "version", "side")

OfAll = Literal["livesum", "livemax", "livemin", "liveall"]
"""How a gauge of several workers is shown: as sum, largest, smallest, or one by one."""


class Metrics:
    """All series of one serving process, in a registry of its own; each is called ``leadloop_<name>``.

    Parameters
    ----------
    only_log : bool
        Only those of the prediction log: for a process that answers nothing. A gauge that it never sets would
        pass for the lowest among the workers.
    """

    def __init__(self, *, only_log: bool = False) -> None:
        # They would be a second series for each, of when it began: nobody asks that.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._folder = shared_folder()
        if self._folder is not None:
            # By name, not by process id: a worker that takes a dead one's place counts on in its files.
            name = process_name()  # looked up once: it is asked for at every count
            values.ValueClass = values.MultiProcessValue(lambda: name)  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        self._add_log()
        if not only_log:
            self._add_requests()
            self._add_models()
            self._add_caches()

    def text(self) -> bytes:
        """Return all series in the Prometheus text form, those of several workers summed up (reads files)."""
        if self._folder is None:
            return generate_latest(self.registry)
        everyones = CollectorRegistry()
        MultiProcessCollector(everyones, str(self._folder))  # type: ignore[no-untyped-call]
        return generate_latest(everyones)

    def _add_requests(self) -> None:
        self.requests = self._counter("requests", "HTTP requests", ("route", "model", "status"))
        self.request_seconds = self._seconds("request_seconds", "Time of an answered prediction request")
        self.refusals = self._counter("guard_refusals", "Requests that the guard refused", ("reason",))
        self.shed = self._counter("requests_shed", "Requests turned away: too busy", ("model", "reason"))
        self.queue_rows = self._gauge("queue_rows", "Rows waiting to be scored", _MODEL)
        self.queue_seconds = self._seconds("queue_seconds", "Time that a request waited", _MODEL)
        self.events = self._counter("crm_events", "Events of the CRM, by what became of them", ("state",))
        self.rows_in = self._counter(
            "rows_in", "Rows sent, by kind and what became of them", ("kind", "state")
        )
        self.memory = self._gauge("memory_bytes", "Resident memory of a serving process", mode="liveall")

    def _add_models(self) -> None:
        self.predictions = self._counter("predictions", "Rows scored", _ORIGIN)
        self.predict_seconds = self._seconds("predict_seconds", "Time inside the predictor")
        self.batch_rows = self._histogram("batch_rows", "Rows scored at once", _MODEL, _ROWS)
        self.model_failures = self._counter("model_failures", "Rules answered: the model raised", _MODEL)
        self.breaker_state = self._gauge(
            "breaker_state", "0: closed, 1: half-open, 2: open", _MODEL, mode="livemax"
        )
        self.swaps = self._counter("swaps", "Versions taken into service", _VERSION)
        self.swap_refusals = self._counter("swap_refusals", "Tries that failed to take one", _VERSION)
        self.feature_mismatch = self._gauge(
            "feature_mismatch", "1: code changed since training", _MODEL, mode="livemax"
        )
        self.rollout_rows = self._counter("rollout_rows", "Rows scored in a rollout", _SIDE)
        self.rollout_errors = self._counter("rollout_errors", "Of these, failed on", _SIDE)
        self.rollout_dropped = self._counter("rollout_dropped", "Not scored in the shadow: busy", _VERSION)
        self.ledger_reachable = self._gauge(
            "ledger_reachable", "1: the last look at it succeeded", mode="livemin"
        )

    def _add_caches(self) -> None:
        # Each lead, or row, counts. `stale`: answered from any cache while the database was away.
        self.cache_hits = self._counter("cache_hits", "Found in a cache", ("tier", "model"))
        self.cache_misses = self._counter("cache_misses", "Not found in it", ("tier", "model"))
        self.cache_evictions = self._counter("cache_evictions", "Thrown out to make room", ("tier",))
        self.cache_errors = self._counter("cache_errors", "No answer, or a value that is none", ("tier",))
        self.cache_entries = self._gauge("cache_entries", "Held by this process's caches", ("tier",))
        self.cache_bytes = self._gauge("cache_bytes", "About how much memory that takes", ("tier",))

    def _add_log(self) -> None:
        self.log_queue = self._gauge("prediction_log_queue_rows", "Predictions waiting in memory")
        self.log_waiting_bytes = self._gauge(
            "prediction_log_waiting_bytes", "Journal on disk, not in Postgres yet", mode="livemax"
        )
        self.log_behind = self._gauge(
            "prediction_log_behind_seconds", "Age of the oldest answer not in Postgres", mode="livemax"
        )
        self.log_journaled = self._counter("prediction_log_journaled", "Predictions put on disk")
        self.log_written = self._counter("prediction_log_written", "Predictions kept in Postgres")
        self.log_dropped = self._counter("prediction_log_dropped", "Predictions lost: queue or disk full")
        self.log_refused = self._counter("prediction_log_refused", "Refused by Postgres, put aside on disk")

    def _counter(self, name: str, says: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(f"leadloop_{name}", says, labels, registry=self.registry)

    def _gauge(self, name: str, says: str, labels: tuple[str, ...] = (), mode: OfAll = "livesum") -> Gauge:
        return Gauge(f"leadloop_{name}", says, labels, registry=self.registry, multiprocess_mode=mode)

    def _seconds(self, name: str, says: str, labels: tuple[str, ...] = _ORIGIN) -> BulkHistogram:
        return self._histogram(name, says, labels, _SECONDS)

    def _histogram(
        self, name: str, says: str, labels: tuple[str, ...], buckets: tuple[float, ...]
    ) -> BulkHistogram:
        return BulkHistogram(f"leadloop_{name}", says, labels, buckets=buckets, registry=self.registry)

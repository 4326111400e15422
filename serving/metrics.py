"""What serving counts: names of models and versions as labels, never a case's id or values."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_MODEL, _VERSION, _ORIGIN = ("model",), ("model", "version"), ("model", "version", "answered_by")
_SIDE = ("model", "version", "side")


class Metrics:
    """All series of one serving process, in a registry of its own; each is called ``leadloop_<name>``."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "HTTP requests", ("route", "model", "status"))
        self.request_seconds = self._seconds("request_seconds", "Time of an answered prediction request")
        self.predictions = self._counter("predictions", "Rows scored", _ORIGIN)
        self.predict_seconds = self._seconds("predict_seconds", "Time inside the predictor")
        self.model_failures = self._counter("model_failures", "Rules answered: the model raised", _MODEL)
        self.swaps = self._counter("swaps", "Versions taken into service", _VERSION)
        self.swap_refusals = self._counter("swap_refusals", "Tries that failed to take one", _VERSION)
        self.feature_mismatch = self._gauge("feature_mismatch", "1: code changed since training", _MODEL)
        self.rollout_rows = self._counter("rollout_rows", "Rows scored in a rollout", _SIDE)
        self.rollout_errors = self._counter("rollout_errors", "Of these, failed on", _SIDE)
        self.rollout_dropped = self._counter("rollout_dropped", "Not scored in the shadow: busy", _VERSION)
        self.ledger_reachable = self._gauge("ledger_reachable", "1: the last look at it succeeded")
        self.log_queue = self._gauge("prediction_log_queue_rows", "Predictions waiting in memory")
        self.log_spool = self._gauge("prediction_log_spool_files", "Batches waiting on disk")
        self.log_written = self._counter("prediction_log_written", "Predictions kept in Postgres")
        self.log_spooled = self._counter("prediction_log_spooled", "Predictions put on disk")
        self.log_dropped = self._counter("prediction_log_dropped", "Predictions lost: queue or disk full")
        self.log_refused = self._counter("prediction_log_refused", "Refused by Postgres, put aside on disk")

    def text(self) -> bytes:
        """Return all series in the Prometheus text form."""
        return generate_latest(self.registry)

    def _counter(self, name: str, says: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(f"leadloop_{name}", says, labels, registry=self.registry)

    def _gauge(self, name: str, says: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"leadloop_{name}", says, labels, registry=self.registry)

    def _seconds(self, name: str, says: str) -> Histogram:
        return Histogram(f"leadloop_{name}", says, _ORIGIN, buckets=_SECONDS, registry=self.registry)

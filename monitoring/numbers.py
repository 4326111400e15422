"""How the watch stands, for Prometheus: a file that node_exporter's textfile collector reads.

The watch runs for minutes a day, so there is no process of it to scrape. That the file grows old says that
nothing runs any more: `infra/alerts/watch.yml` asks for that first.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from estate.core.clock import now
from estate.core.settings import Settings
from estate.store import ledger
from estate.store.alerts import list_alerts
from estate.store.database import Database
from estate.store.incidents import list_incidents
from estate.store.watch_passes import list_passes

FILE = "watch.prom"


def write_numbers(settings: Settings, database: Database) -> Path:
    """Write the file anew, as a whole; returns its path, ``<home>/metrics/watch.prom``.

    Raises
    ------
    StoreError
        If the database can't be reached.
    """
    folder = settings.home / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(folder / FILE), _registry(database, now()))
    return folder / FILE


def _registry(database: Database, at: datetime) -> CollectorRegistry:
    registry = CollectorRegistry()
    _gauge(registry, "numbers_written_timestamp_seconds", "When this was written").set(at.timestamp())
    opened = _gauge(registry, "incidents_open", "Open incidents", "model", "severity")
    passed = _gauge(registry, "pass_timestamp_seconds", "When a model was watched last", "model")
    waiting = _gauge(registry, "alerts_waiting", "Alerts that were tried and wait", "channel")
    failed = _gauge(registry, "alerts_failed", "Alerts that nobody took, of open incidents", "channel")
    with database.begin() as connection:
        for model in ledger.current_all(connection):
            for made in list_passes(connection, model, limit=1):
                passed.labels(model).set(made.at.timestamp())
            for severity in ("warning", "breaking"):
                opened.labels(model, severity).set(0)
        for incident in list_incidents(connection, only_open=True):
            opened.labels(incident.model, incident.severity).inc()
        for alert in list_alerts(connection, state="waiting"):
            waiting.labels(alert.channel).inc(alert.tries > 0)
        for alert in list_alerts(connection, state="failed", limit=10_000):
            failed.labels(alert.channel).inc(alert.incident.open)
    return registry


def _gauge(registry: CollectorRegistry, name: str, says: str, *labels: str) -> Gauge:
    return Gauge(f"leadloop_watch_{name}", says, labels, registry=registry)

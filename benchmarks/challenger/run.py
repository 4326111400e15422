"""The story of the demo on a stack of the benchmark's own, timed from the first lead after the drift on.

Nothing waits for a schedule: the watch, which runs daily by itself, is started as soon as the leads are
scored.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from estate.core.clock import now
from estate.core.errors import StackError
from estate.core.settings import Settings
from estate.store import training_requests
from estate.store.database import Database
from estate.store.governor_decisions import decisions_on
from estate.store.training_requests import Request
from estate.store.watch_passes import list_passes
from infra.demo import AFTER, BEFORE, DAYS, DRIFT_DAY, MODEL, Demo, world_from
from model_registry import connect, list_models


def run(_quick: bool) -> dict[str, object]:
    """Measure once: it is one story, of two minutes, and has no short form."""
    with _stack() as settings:
        database = Database(settings.endpoint("database_url"))
        start = (now() - timedelta(days=DAYS)).date()
        demo = Demo(settings, database, world_from(start), Console(stderr=True))
        _before(demo)
        first_lead = datetime.now(UTC)
        demo.step("score leads after the drift", lambda: demo.score(AFTER))
        logged = datetime.now(UTC)
        demo.step("watch: alarm", lambda: demo.watch("drift"))
        demo.step("retrain because of the drift", demo.retrained)
        staged = _staged(settings, database)
        return {"rows": _rows(database, first_lead, logged, staged), "goals": []}


def _before(demo: Demo) -> None:
    demo.step(f"days 0 to {DRIFT_DAY} into the database", lambda: demo.simulate(0, DRIFT_DAY))
    demo.step("train, gate, register, stage", demo.train)
    demo.step("promote and serve", lambda: demo.promote("benchmark: first version"))
    demo.step("score leads over HTTP", lambda: demo.score(BEFORE))
    demo.step(f"days {DRIFT_DAY} to {DAYS}: a sudden drift", lambda: demo.simulate(DRIFT_DAY, DAYS))


def _staged(settings: Settings, database: Database) -> datetime:
    """Return when the alias ``staging`` was seen on a version that was not there before."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        shown = {one.model: one for one in list_models(connect(settings), database)}[MODEL]
        if shown.staging is not None and shown.staging != "1":
            return datetime.now(UTC)
        time.sleep(0.1)
    raise StackError(f"model `{MODEL}`", expected="a challenger in staging", got="none")


def _rows(
    database: Database, first_lead: datetime, logged: datetime, staged: datetime
) -> list[dict[str, object]]:
    with database.begin() as connection:
        (seen,) = list_passes(connection, MODEL, limit=1)
        request = training_requests.get(connection, str(seen.request_id))
        (decided,) = decisions_on(connection, [request.request_id]).values()
    begun = next(one.at for one in decided if one.decision == "begun")
    moments = (
        (f"{seen.rows} drifted leads answered over HTTP, in the log", logged),
        ("watch: drift, request kept", request.requested_at),
        ("governor let it go, event, worker: training begins", begun),
        ("trained, gated, registered, staged, with its preview", _ended(request)),
        ("seen in the registry", staged),
    )
    before, rows = first_lead, []
    for name, moment in moments:
        rows.append(
            {
                "step": name,
                "seconds": round((moment - before).total_seconds(), 1),
                "since_first_lead": round((moment - first_lead).total_seconds(), 1),
            }
        )
        before = moment
    return rows


def _ended(request: Request) -> datetime:
    if request.state != "done" or not (request.reason or "").endswith("passed"):
        raise StackError(f"request {request.request_id}", expected="a version that passed", got=request.state)
    return request.changed_at


@contextmanager
def _stack() -> Iterator[Settings]:
    folder = Path(tempfile.mkdtemp(prefix="leadloop-bench-challenger-"))
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEADLOOP_", "PREFECT_"))}
    ports = {f"LEADLOOP_{part}_PORT": "0" for part in ("MLFLOW", "PREFECT", "SERVING")}
    environment = {**kept, **ports, "LEADLOOP_HOME": str(folder)}
    command = [sys.executable, "-m", "infra.cli.main"]
    try:
        subprocess.run([*command, "up", "--detach"], env=environment, check=True, stdout=sys.stderr)
        yield Settings(_env_file=None, home=folder)
    finally:
        subprocess.run([*command, "down"], env=environment, check=False, stdout=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)

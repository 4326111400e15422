"""The demo on a stack of the benchmark's own; when things happened is read from its database afterwards.

Nothing waits for a schedule: the watch, which runs daily by itself, is started as soon as the leads are
scored.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from estate.core.errors import StackError
from estate.core.settings import Settings
from estate.store import training_requests
from estate.store.database import Database
from estate.store.governor_decisions import decisions_on
from estate.store.watch_passes import list_passes

MODEL = "lead_conversion"


def run(_quick: bool) -> dict[str, object]:
    """Measure once: it is one story, of two minutes, and has no short form."""
    with _told() as settings:
        return {"rows": _rows(Database(settings.endpoint("database_url"))), "goals": []}


def _rows(database: Database) -> list[dict[str, object]]:
    with database.begin() as connection:
        (seen, *_) = (one for one in list_passes(connection, MODEL) if one.decision == "drift")
        request = training_requests.get(connection, str(seen.request_id))
        (decided,) = decisions_on(connection, [request.request_id]).values()
    if request.state != "done" or not (request.reason or "").endswith("passed"):
        raise StackError(f"request {request.request_id}", expected="a version that passed", got=request.state)
    assert seen.window_from is not None
    assert seen.window_to is not None
    begun = next(one.at for one in decided if one.decision == "begun")
    return _steps(
        seen.window_from,
        (f"{seen.rows} drifted leads answered over HTTP", seen.window_to),
        ("watch: drift, request kept", request.requested_at),
        ("governor lets it go, event, worker: training begins", begun),
        ("trained, gated, registered, staged, with its preview", request.changed_at),
    )


def _steps(first: datetime, *moments: tuple[str, datetime]) -> list[dict[str, object]]:
    before, rows = first, []
    for name, moment in moments:
        rows.append(
            {
                "step": name,
                "seconds": round((moment - before).total_seconds(), 1),
                "since_first_lead": round((moment - first).total_seconds(), 1),
            }
        )
        before = moment
    return rows


@contextmanager
def _told() -> Iterator[Settings]:
    """Start a stack and let it tell the story of the demo; stop and remove everything at the end."""
    folder = Path(tempfile.mkdtemp(prefix="leadloop-bench-challenger-"))
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEADLOOP_", "PREFECT_"))}
    ports = {f"LEADLOOP_{part}_PORT": "0" for part in ("MLFLOW", "PREFECT", "SERVING")}
    environment = {**kept, **ports, "LEADLOOP_HOME": str(folder)}
    command = [sys.executable, "-m", "infra.cli.main"]
    try:
        told = subprocess.run(
            [*command, "up", "--demo", "--detach"], env=environment, check=False, stdout=sys.stderr
        )
        if told.returncode:
            raise StackError("`leadloop up --demo`", expected="the whole story", got="an error, see above")
        yield Settings(_env_file=None, home=folder)
    finally:
        subprocess.run([*command, "down"], env=environment, check=False, stdout=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)

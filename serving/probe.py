"""What a version costs in production, measured in a serving process of its own before anybody judges it.

The process is the real one: the same routes, wrappers and server, with a home of its own, without database
and registry. It has nothing in service but the bundle that is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from estate.core.errors import LeadloopError, StackError
from estate.core.evidence import ServingCost
from estate.core.model_spec import ModelSpec
from estate.core.settings import Settings
from serving.golden_requests import Golden, ask_golden

LIFETIME_SECONDS = 60
READY = "ready.json"
"""The process writes it into its home once the bundle answers: ``{"port": …, "memory_mb": …}``."""
_LOG = "serving.log"
_LAST_LINES = 5


def measure_cost(settings: Settings, spec: ModelSpec, folder: Path) -> ServingCost:
    """Serve a bundle over HTTP in a process of its own and time its golden rows, one a request.

    Takes about three seconds.

    Parameters
    ----------
    settings : Settings
        ``models`` are the model files among which the process finds the spec by its name.
    spec : ModelSpec
    folder : Path
        Of the bundle; nothing need have signed or registered it yet.

    Raises
    ------
    StackError
        If the process does not come up or does not answer; names the last lines of its log.
    """
    deadline = monotonic() + LIFETIME_SECONDS
    golden = Golden.read(folder)
    with (
        tempfile.TemporaryDirectory(prefix="leadloop-probe-") as folder_of_process,
        _log_named(home := Path(folder_of_process)),
        _process(settings, spec, folder, home) as process,
    ):
        ready = _ready(process, home, deadline)
        timed = ask_golden(ready.port, spec.name, golden, deadline=deadline)
    return ServingCost(timed.p95_ms, ready.memory_mb, timed.requests, timed.golden_difference)


@dataclass(frozen=True)
class _Ready:
    port: int
    memory_mb: float


@contextmanager
def _log_named(home: Path) -> Iterator[None]:
    """Say what the process said last where anything in here goes wrong."""
    try:
        yield
    except (OSError, ValueError, LeadloopError) as error:
        said = (home / _LOG).read_text(errors="replace").splitlines() if (home / _LOG).exists() else []
        raise StackError(
            "serving process that measures a version's cost",
            expected="answers to its golden rows",
            got=_short(error),
            todo=f"It said last: {' / '.join(said[-_LAST_LINES:]) or 'nothing.'}",
        ) from error


@contextmanager
def _process(
    settings: Settings, spec: ModelSpec, folder: Path, home: Path
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "serving.one_bundle", spec.name, str(folder.absolute())]
    # Nothing of this installation but its model files: not its database, not its registry, not its disk.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEADLOOP_")}
    own = {
        "LEADLOOP_HOME": str(home),
        "LEADLOOP_MODELS": ":".join(str(path.absolute()) for path in settings.models),
        "LEADLOOP_LOG_LEVEL": "ERROR",
    }
    with (home / _LOG).open("wb") as log:
        process = subprocess.Popen(
            command, env=kept | own, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.kill()  # what it would drain is worth nothing
            process.wait()


def _short(error: Exception) -> str:
    return error.got if isinstance(error, LeadloopError) and error.got else str(error) or type(error).__name__


def _ready(process: subprocess.Popen[bytes], home: Path, deadline: float) -> _Ready:
    while not (home / READY).exists():
        if process.poll() is not None:
            raise StackError("process", expected="a living one", got=f"exit code {process.returncode}")
        if monotonic() > deadline:
            raise StackError("process", expected="ready in time", got=f"none in {LIFETIME_SECONDS} s")
        sleep(0.01)
    return _Ready(**json.loads((home / READY).read_text()))

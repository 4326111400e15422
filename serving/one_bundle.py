"""``python -m serving.one_bundle MODEL FOLDER``: a serving process with nothing in service but one bundle.

For measuring what it costs. Nobody has vouched for the bundle yet, so nothing here is reachable from
elsewhere and nothing of it is kept.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import signal
import sys
import threading
from pathlib import Path
from time import sleep

from estate.bundles import Bundle
from estate.bundles.opening import prepare
from estate.core.errors import LeadloopError, RegistryError
from estate.core.logs import configure_logs
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy
from estate.core.settings import Settings
from serving.answering import Answering, by_bundle
from serving.probe import LIFETIME_SECONDS, READY
from serving.process import make_process
from serving.server import make_server
from serving.sockets import shared_address


def main() -> int:
    """Serve the bundle until killed, but never for long."""
    parser = argparse.ArgumentParser(prog="python -m serving.one_bundle", description="Serves one bundle.")
    parser.add_argument("model", help="name of the model in the catalog")
    parser.add_argument("folder", type=Path, help="of the bundle")
    arguments = parser.parse_args()
    signal.alarm(LIFETIME_SECONDS)  # it ends even where the process that asked was killed
    try:
        _serve(Settings(_env_file=None), arguments.model, arguments.folder)
    except LeadloopError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _serve(settings: Settings, model: str, folder: Path) -> None:
    configure_logs(settings)
    process = make_process(settings, fetch=_nothing_to_fetch)
    spec = process.models.specs.get(model)
    listening = shared_address("127.0.0.1", 0)
    server = make_server(process)
    failed: list[LeadloopError] = []

    def bring() -> None:
        while not server.started:
            sleep(0.005)
        try:
            answering, memory_mb = _loaded(spec, folder)
        except LeadloopError as error:
            failed.append(error)
            server.should_exit = True
            return
        process.loader.install(spec, answering)
        _tell(settings.home, listening.getsockname()[1], memory_mb)

    threading.Thread(target=bring, daemon=True).start()
    server.run(sockets=[listening])
    if failed:
        raise failed[0]


def _loaded(spec: ModelSpec, folder: Path) -> tuple[Answering, float]:
    """Load a bundle and ask its golden rows; returns the resident memory in MB that this added with it."""
    prepare()  # the process's own cost: every version that serves shares it
    gc.collect()
    before = _resident_mb()
    answering = by_bundle(spec, Bundle.open(folder), "unjudged", AnsweredBy.MODEL)
    return answering, max(0.0, _resident_mb() - before)


def _tell(home: Path, port: int, memory_mb: float) -> None:
    partial = home / f".{READY}"
    partial.write_text(json.dumps({"port": port, "memory_mb": memory_mb}))
    partial.rename(home / READY)


def _resident_mb() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # no Linux: the most that it ever was, in bytes there
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return pages * os.sysconf("SC_PAGESIZE") / 1e6


def _nothing_to_fetch(model: str, version: str, destination: Path) -> Path:
    raise RegistryError(f"version {version} of `{model}`", expected="no registry", got=str(destination))


if __name__ == "__main__":
    sys.exit(main())

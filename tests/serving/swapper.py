"""``python -m tests.serving.swapper FOLDER SWAPS``: swaps versions by the ledger, and says what that costs.

A process of its own, so that its memory is that of serving. Prints a line of JSON every 200 swaps.
"""

from __future__ import annotations

import gc
import json
import shutil
import sys
from pathlib import Path
from time import monotonic, sleep

import psutil

from estate.core.settings import load_settings
from estate.store.database import Database
from estate.store.ledger import Order, append
from serving.asking import about_rows
from serving.lanes.question import Terms
from serving.process import Process, make_process
from serving.scoring import score

VERSIONS = 7
ROW = {"case_id": "case-1", "rooms": 3, "price_usd": 300_000.0, "area": "north"}


def main(folder: Path, swaps: int) -> None:
    settings = load_settings()

    def fetch(model: str, version: str, destination: Path) -> Path:
        shutil.copytree(folder / "registry" / model / version, destination)
        return destination

    process = make_process(settings, fetch=fetch)
    process.start()
    database = Database(settings.endpoint("database_url"))
    try:
        for i in range(1, swaps + 1):
            swap(process, database, str(i % VERSIONS + 1))
            if i % 200 == 0:
                tell(i, process)
    finally:
        process.close()


def swap(process: Process, database: Database, version: str) -> None:
    """Promote a version, wait until it answers, and ask it."""
    order = Order(model="sale", decision="promoted", to_version=version, who="ada", why="next")
    with database.begin() as connection:
        append(connection, order)
    end = monotonic() + 60
    while answered_by(process) != version:
        assert monotonic() < end, f"version {version} does not come"
        sleep(0.001)


def answered_by(process: Process) -> str:
    """Score a row; returns the version that did."""
    served = process.models.known("sale")
    assert served is not None
    question = about_rows(served, [ROW], Terms())
    answered = score(question.served, question.answering, question.features(), question.entities)
    return answered.scores.version


def tell(swaps: int, process: Process) -> None:
    gc.collect()
    mine = psutil.Process()
    taken = sum(
        sample.value
        for family in process.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "leadloop_swaps_total" and sample.labels["model"] == "sale"
    )
    said = {
        "swaps": swaps,
        "taken": taken,
        "rss": mine.memory_info().rss,
        "threads": mine.num_threads(),
        "files": mine.num_fds(),
        "on_disk": len(list((load_settings().home / "serving" / "models" / "sale").iterdir())),
    }
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

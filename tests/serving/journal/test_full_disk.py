"""A disk that is really full: no answer fails, nothing that was kept is lost, and everybody hears of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from estate.store.database import Database
from serving.journal import folder as files
from serving.metrics import Metrics
from serving.prediction_log import Limits, PredictionLog
from tests.conftest import ROOT
from tests.serving.journal.answers import answered
from tests.serving.shop import Shop, wait_for
from tests.serving.test_prediction_log import AWAY, count, kept


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the room that is left."""
    path = folder / "somebody's film"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return path
    return path


def test_answers_do_not_fail_and_wait_in_memory_until_there_is_room(
    small_disk: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    log = PredictionLog(
        small_disk / "journal", metrics, address=lambda: AWAY, ship=False, limits=Limits(queue_rows=500)
    )
    log.start()
    on_disk = answered(100)
    log.put(on_disk)
    film = fill(small_disk)
    waiting, lost = [answered(100) for _ in range(5)], [answered(100) for _ in range(3)]
    for rows in [*waiting, *lost]:
        log.put(rows)
    # The last page of the journal may have had room for some of it.
    dropped = count(metrics, "dropped_total")
    assert 0 < dropped <= 300
    assert "prediction_log_disk_refuses" in caplog.text
    assert "predictions_dropped" in caplog.text
    film.unlink()
    wait_for(lambda: count(metrics, "journaled_total") == 900 - dropped)
    log.put(answered(1))
    log.close()
    ship(small_disk / "journal", database)
    found = {row.prediction_id for row in kept(database)}
    assert found >= {id_ for rows in [on_disk, *waiting] for id_ in rows.ids}
    assert len(found) == 901 - dropped
    assert not list((small_disk / "journal").glob("*.bad"))


def ship(folder: Path, database: Database) -> None:
    log = PredictionLog(folder, Metrics(), address=lambda: database.url)
    log.start()
    wait_for(lambda: not files.segments(folder))
    log.close()


@pytest.mark.thorough
def test_a_full_disk_is_emptied_while_the_database_is_there(small_disk: Path, database: Database) -> None:
    metrics = Metrics()
    limits = Limits(segment_bytes=50_000)
    log = PredictionLog(small_disk / "journal", metrics, address=lambda: database.url, limits=limits)
    log.start()
    ids = []
    for _ in range(60):  # five times what the disk holds
        rows = answered(1_000)
        ids += rows.ids
        log.put(rows)
    wait_for(lambda: len(kept(database)) == len(ids), seconds=60)
    log.close()
    assert {row.prediction_id for row in kept(database)} == set(ids)
    assert count(metrics, "dropped_total") == 0


@pytest.mark.thorough
def test_serving_goes_on_with_a_full_disk(small_disk: Path, shop: Shop) -> None:
    settings = shop.settings.model_copy(
        update={"home": small_disk / "home", "database_url": SecretStr(AWAY), "serving_journal_mb": 1.0}
    )
    with replace(shop, settings=settings).serve() as served:
        assert served.predict().status_code == 200
        film = fill(small_disk)
        many = [{"case_id": "c", "rooms": 1, "price_usd": 1, "area": None}] * 5_000
        statuses = {served.predict(*many).status_code for _ in range(30)}
        assert statuses == {200}
        assert served.metric("leadloop_prediction_log_dropped_total") > 0
        wait_for(lambda: served.metric("leadloop_prediction_log_queue_rows") > 0)
        film.unlink()
        wait_for(lambda: served.metric("leadloop_prediction_log_journaled_total") > 1)


LIMITED = """
import resource, signal, sys
from pathlib import Path
from serving.journal import encoding
from serving.journal.journal import Journal
from tests.serving.journal.answers import answered
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
kept = []
journal = Journal(Path(sys.argv[1]), count_kept=kept.append)
for _ in range(20):
    journal.put(encoding.predictions(answered(30)))
    journal._retry_at = 0.0
journal._retry_at = 0.0
journal.close()
print(sum(kept), journal.waiting_rows)
"""


def test_a_record_that_was_written_by_half_is_taken_back(
    tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The kernel writes what fits below the limit and refuses the rest."""
    ran = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["600", "0"]
    assert len(files.segments(tmp_path)) > 1
    ship(tmp_path, database)
    assert len(kept(database)) == 600
    assert not list(tmp_path.glob("*.bad"))
    assert "journal_torn" not in caplog.text


def test_beyond_its_own_limit_the_journal_counts_the_disk_as_full(tmp_path: Path) -> None:
    metrics = Metrics()
    limits = Limits(disk_bytes=100_000, segment_bytes=20_000, queue_rows=50)
    log = PredictionLog(tmp_path, metrics, address=lambda: AWAY, ship=False, limits=limits)
    for _ in range(100):
        log.put(answered(50))
    assert 50_000 < files.used_bytes(tmp_path) < 150_000
    assert count(metrics, "dropped_total") > 1_000
    log.close()

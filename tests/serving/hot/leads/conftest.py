"""A shop of leads that serves, and wires to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from estate.core.settings import Settings
from estate.store.database import Database
from tests.serving.hot.lead_shop import READING, fill, train
from tests.serving.hot.leads.asking import (
    warm,
)
from tests.serving.hot.wire import Wire
from tests.serving.shop import Served, Shop


@pytest.fixture
def shop(tmp_path: Path, database: Database) -> Shop:
    (tmp_path / "models").mkdir()
    settings = Settings(
        home=tmp_path / "home",
        database_url=SecretStr(database.url),
        models=(tmp_path / "models",),
        cache_memory_seconds=0.0,
    )
    made = Shop(tmp_path, settings, database)
    fill(made)
    for version in ("1", "2"):
        train(made, version)
    made.promote("1", model="buy")
    READING.close()
    READING.open()
    return made


@pytest.fixture
def served(shop: Shop) -> Iterator[Served]:
    with shop.serve() as running:
        warm(running, "1")
        yield running
        READING.open()


@pytest.fixture
def wires(served: Served) -> Iterator[list[Wire]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Wire(served.url))) for _ in range(12)]
        READING.open()

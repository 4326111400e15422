"""One process for all tests of protocols: they only ask it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from pydantic import SecretStr

from estate.core.settings import Settings
from estate.store.database import Database
from tests.serving.shop import MODEL_FILE, Served, Shop

SIZE = '''

def by_size(features):
    """A hundredth of the rooms, and of the price in thousands."""
    return features["rooms"] / 100 + features["price"] / 100_000


SIZE = ModelSpec(
    name="size", purpose="Numbers alone.", task=Task.REGRESSION, estimator=estimator, rules=by_size,
    features=FeatureSet(numbers=("rooms", "price")), source=TableSource(path="sales.csv", label="sold"),
)
'''
AREA = '''

def by_area(features):
    """A tenth in the north, two elsewhere, three where it is not known."""
    import numpy as np

    known = [0.3 if area is None else 0.1 if area == "north" else 0.2 for area in features["area"]]
    return np.array(known) + features["rooms"] / 1000


AREA = ModelSpec(
    name="area", purpose="Numbers and texts.", task=Task.REGRESSION, estimator=estimator, rules=by_area,
    features=FeatureSet(numbers=("rooms",), categories=("area",)),
    source=TableSource(path="sales.csv", label="sold", entity="case_id", missing=("unknown",)),
)
'''


@pytest.fixture(scope="package")
def shop(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Return a shop whose models ``size`` and ``area`` answer by rules that show what they read."""
    folder = tmp_path_factory.mktemp("protocols")
    (folder / "models").mkdir()
    (folder / "models" / "model.py").write_text(MODEL_FILE + SIZE + AREA)
    name = f"protocols_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template".encode())
        database = Database(postgres.replace("/postgres?", f"/{name}?"))
        settings = Settings(
            home=folder / "home", database_url=SecretStr(database.url), models=(folder / "models",)
        )
        yield Shop(folder, settings, database)
        database.engine.dispose()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="package")
def served(shop: Shop) -> Iterator[Served]:
    """Return a process that serves version 1 of ``sale``; the others answer by their rules."""
    shop.train("1")
    shop.promote("1")
    with shop.serve() as running:
        running.wait_for_version("1")
        yield running

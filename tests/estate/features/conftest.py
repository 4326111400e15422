"""A database that knows the made-up facts."""

from __future__ import annotations

import pytest

from estate.store.database import Database
from estate.store.facts import write_facts
from tests.estate.features.made_up import facts_of


@pytest.fixture
def filled(database: Database) -> Database:
    with database.begin() as connection:
        for kind, rows in facts_of().items():
            write_facts(connection, kind, rows)
    return database

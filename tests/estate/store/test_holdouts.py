"""Frozen rows are counted once for each gate that judged on them."""

from __future__ import annotations

import numpy as np

from estate.store import holdouts
from estate.store.database import Database

ROWS = np.array([2**64 - 1, 5, 7, 0], dtype=np.uint64)


def test_rows_are_counted_for_each_gate_of_the_model_but_the_own(database: Database) -> None:
    with database.begin() as connection:
        holdouts.remember(connection, "home_sale", "one", ROWS)
        holdouts.remember(connection, "home_sale", "two", ROWS[:2])
        holdouts.remember(connection, "home_days", "three", ROWS)
        assert holdouts.uses(connection, "home_sale", ROWS, "none").tolist() == [2, 2, 1, 1]
        assert holdouts.uses(connection, "home_sale", ROWS, "two").tolist() == [1, 1, 1, 1]
        assert holdouts.uses(connection, "home_sale", ROWS + np.uint64(1), "none").tolist() == [1, 0, 0, 0]


def test_the_same_training_again_changes_nothing(database: Database) -> None:
    with database.begin() as connection:
        holdouts.remember(connection, "home_sale", "one", ROWS)
        holdouts.remember(connection, "home_sale", "one", ROWS[:1])
    with database.begin() as connection:
        (found,) = holdouts.earlier(connection, "home_sale", "another")
    assert found.tolist() == sorted(ROWS.tolist())

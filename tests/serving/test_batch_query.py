"""Rows of a database: of a table, a query, or the model's own, in the platform's database or another."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from estate.core.errors import ContractError, DataError
from estate.core.model_spec import QuerySource
from estate.store.database import Database
from estate.store.query_batches import read_parts
from serving.batch import BatchOptions, Query, query_for, query_source, score_rows
from serving.models import ServedModel
from tests.serving.homes import plain_spec, serve, table, write_training


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    folder = tmp_path_factory.mktemp("homes")
    return serve(plain_spec(write_training(folder)), folder / "bundle")


@pytest.fixture
def homes(database: Database) -> pd.DataFrame:
    """Return 100 homes that are in the platform's database."""
    rows = table(100)[4:]
    with psycopg.connect(database.url) as connection:
        connection.execute(
            'CREATE TABLE "Homes" (home_id text, rooms int, price_usd numeric, area text, floor smallint,'
            " seen timestamptz)"
        )
        for row in rows.itertuples():
            price = None if pd.isna(row.price_usd) else row.price_usd
            values = (row.home_id, row.rooms, price, row.area, row.floor)
            connection.execute('INSERT INTO "Homes" VALUES (%s, %s, %s, %s, %s, now())', values)
    return rows


def scores(path: Path) -> dict[str, float]:
    scored = pd.read_parquet(path)
    return dict(zip(scored["home_id"], scored["score"], strict=True))


def expected(served: ServedModel, rows: pd.DataFrame, folder: Path) -> dict[str, float]:
    rows.to_parquet(folder / "in.parquet")
    score_rows(served, folder / "in.parquet", folder / "expected.parquet")
    return scores(folder / "expected.parquet")


def test_a_table_and_a_query_are_scored_as_their_rows_are(
    served: ServedModel,
    homes: pd.DataFrame,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(query_source, "ROWS_AT_ONCE", 30)
    wanted = expected(served, homes, tmp_path)
    for asked in (
        {"table": "Homes", "statement": None},
        {"table": None, "statement": 'SELECT * FROM "Homes"'},
    ):
        query = query_for(served, database.url, url=None, **asked)
        assert score_rows(served, query, tmp_path / "out.parquet").rows == len(homes)
        assert scores(tmp_path / "out.parquet") == wanted
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_the_models_own_query_is_the_default(
    served: ServedModel, homes: pd.DataFrame, database: Database, tmp_path: Path
) -> None:
    source = QuerySource(sql='SELECT * FROM "Homes" WHERE rooms > 3', label="sold", url=database.url)
    own = replace(served, spec=replace(served.spec, source=source))
    query = query_for(own, "postgresql://nowhere", table=None, statement=None, url=None)
    done = score_rows(own, query, tmp_path / "out.parquet")
    assert done.rows == (homes["rooms"] > 3).sum()
    with pytest.raises(DataError, match="expected a source that is a query"):
        query_for(served, database.url, table=None, statement=None, url=None)


def test_a_database_of_another_kind(served: ServedModel, tmp_path: Path) -> None:
    rows = table(50)
    with sqlite3.connect(tmp_path / "homes.db") as connection:
        rows.to_sql("homes", connection, index=False)
    connection.close()
    query = query_for(served, "", table="homes", statement=None, url=f"sqlite:///{tmp_path / 'homes.db'}")
    score_rows(served, query, tmp_path / "out.parquet")
    assert scores(tmp_path / "out.parquet") == pytest.approx(expected(served, rows, tmp_path))


def test_a_stopped_run_goes_on_with_the_rows_that_it_read(
    served: ServedModel, homes: pd.DataFrame, database: Database, tmp_path: Path
) -> None:
    query = Query(database.url, 'SELECT * FROM "Homes"')

    def progress(done: int, total: int | None) -> None:
        if done >= 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_rows(served, query, tmp_path / "out.parquet", BatchOptions(rows_at_once=10, progress=progress))
    with psycopg.connect(database.url) as connection:
        connection.execute('DELETE FROM "Homes"')
    done = score_rows(served, query, tmp_path / "out.parquet", BatchOptions(rows_at_once=10))
    assert (done.resumed_at, done.rows) == (50, len(homes))


def test_what_the_database_refuses_is_told_without_the_password(
    served: ServedModel, database: Database, tmp_path: Path
) -> None:
    for statement in ("SELECT * FROM nothing_of_that_name", "CREATE TABLE t (a int)"):
        with pytest.raises(ContractError, match="query: expected rows, got"):
            score_rows(served, Query(database.url, statement), tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == []


def test_rows_come_in_parts_and_an_empty_table_has_its_columns(database: Database) -> None:
    parts = list(read_parts(database.url, "SELECT i, i % 2 = 0 AS even FROM generate_series(1, 5) i", rows=2))
    assert [len(columns[0]) for _, columns in parts] == [2, 2, 1]
    assert parts[0] == (["i", "even"], [(1, 2), (False, True)])
    assert list(read_parts(database.url, "SELECT 1 AS i WHERE false", rows=2)) == [(["i"], [()])]

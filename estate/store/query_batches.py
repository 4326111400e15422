"""Reading a query of any size: a part of its rows at a time, from a cursor that stays on the server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from estate.core.errors import ContractError

Part = tuple[Sequence[str], Sequence[Sequence[Any]]]
"""Names of the columns, and the values of each."""


def read_parts(url: str, statement: str, *, rows: int) -> Iterator[Part]:
    """Run a SELECT in a read-only transaction and yield its columns, at most ``rows`` rows at once.

    A query without any row gives one part without rows.

    Raises
    ------
    ContractError
        If the database refuses the query or can't be reached.
    """
    engine = sa.create_engine(_with_driver(url))
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("SET TRANSACTION READ ONLY"))
            streaming = connection.execution_options(stream_results=True, max_row_buffer=rows)
            result = streaming.execute(sa.text(statement))
            names, some = list(result.keys()), False
            for part in result.partitions(rows):
                some = True
                yield names, list(zip(*part, strict=True))
            if not some:
                yield names, [() for _ in names]
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise ContractError(
            "query", expected="rows", got=reason, todo="Correct the SQL, or the address of the database."
        ) from error
    finally:
        engine.dispose()


def whole_table(url: str, name: str) -> str:
    """Return the SELECT of all rows of a table, ``name`` or ``schema.name``.

    Examples
    --------
    >>> whole_table("sqlite://", "sales.calls of May")
    'SELECT * FROM sales."calls of May"'
    """
    schema, _, table = name.rpartition(".")
    dialect = sa.make_url(_with_driver(url)).get_dialect()()
    selected = sa.select(sa.text("*")).select_from(sa.table(table, schema=schema or None))
    return " ".join(str(selected.compile(dialect=dialect)).split("\n")).replace("  ", " ")


def shown(url: str) -> str:
    """Return an address without its password."""
    return sa.make_url(_with_driver(url)).render_as_string(hide_password=True)


def _with_driver(url: str) -> str:
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            return url.replace(short, "postgresql+psycopg://", 1)
    return url

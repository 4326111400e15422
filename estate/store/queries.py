"""Reading a query of the user's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from estate.core.errors import ContractError

if TYPE_CHECKING:
    import pandas as pd


def read_query(url: str, statement: str) -> pd.DataFrame:
    """Run a SELECT in a read-only transaction and return its rows.

    Raises
    ------
    ContractError
        If the database refuses the query or can't be reached.
    """
    import pandas as pd

    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("SET TRANSACTION READ ONLY"))
            return pd.read_sql_query(sa.text(statement), connection)
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise ContractError(
            "query source", expected="rows", got=reason, todo="Correct the SQL or the url."
        ) from error
    finally:
        engine.dispose()

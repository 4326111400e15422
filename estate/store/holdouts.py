"""On which frozen rows each gate has judged: whoever tries often enough on the same rows is lucky once."""

from __future__ import annotations

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import insert

from estate.core.clock import now
from estate.store.tables import holdouts as table

Hashes = NDArray[np.uint64]


def remember(connection: sa.Connection, model: str, training_key: str, hashes: Hashes) -> None:
    """Write down that a gate judges on these rows; the same training again changes nothing.

    Parameters
    ----------
    connection : Connection
    model, training_key : str
    hashes : uint64 array of shape (n,)
        One number for each frozen row, in any order.
    """
    row = {
        "training_key": training_key,
        "model": model,
        "rows": np.sort(hashes).astype("<u8").tobytes(),
        "at": now(),
    }
    connection.execute(insert(table).values(row).on_conflict_do_nothing())


def earlier(connection: sa.Connection, model: str, except_key: str) -> tuple[Hashes, ...]:
    """Return the sorted rows of every gate of a model but this training's own, oldest first."""
    asked = (
        sa.select(table.c.rows)
        .where(table.c.model == model, table.c.training_key != except_key)
        .order_by(table.c.at, table.c.training_key)
    )
    return tuple(np.frombuffer(row.rows, dtype="<u8").astype(np.uint64) for row in connection.execute(asked))


def uses(connection: sa.Connection, model: str, hashes: Hashes, except_key: str) -> NDArray[np.int64]:
    """Return for each row by how many gates of the model it was judged on, but this training's own.

    Parameters
    ----------
    connection : Connection
    model : str
    hashes : uint64 array of shape (n,)
    except_key : str
        Key of the training that asks: a killed one that runs again has not used its rows twice.

    Returns
    -------
    int64 array of shape (n,)
    """
    counted = np.zeros(len(hashes), dtype=np.int64)
    for rows in earlier(connection, model, except_key):
        counted += np.isin(hashes, rows)
    return counted

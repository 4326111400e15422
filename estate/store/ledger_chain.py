"""How each row of the ledger is bound to the one before, and what a break in that chain tells.

The hash of a row is over its content and the hash of the row before. So a changed row does not fit its own
hash; one that was changed together with its hash, taken out, put in or moved does not fit its neighbours.
A chain that was cut off, or rewritten from a row on to its end, is whole in itself: only who has kept its
head from before (:class:`Head`) can see that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from estate.core.errors import StoreError
from estate.store.tables import ledger

COLUMNS = ("model", "decision", "from_version", "to_version", "who", "why", "evidence_digest", "rollout")
_ROWS_AT_ONCE = 5_000
_TODO = "It was changed outside of Leadloop: compare with a backup."


@dataclass(frozen=True)
class Head:
    """A row that was the newest one when the chain was found whole."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Chain:
    """A chain that was found whole.

    Parameters
    ----------
    rows : int
    head : Head or None
        The newest row; None if there is none.
    """

    rows: int
    head: Head | None


def row_hash(row: Mapping[Any, object]) -> str:
    """Return the SHA-256, in hex, of a row's content and of the hash before it."""
    at = row["at"]
    moment = at.astimezone(UTC).isoformat() if isinstance(at, datetime) else str(at)
    document = {name: row[name] for name in COLUMNS} | {"at": moment, "previous_hash": row["previous_hash"]}
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_chain(connection: sa.Connection, *, known: Head | None = None) -> Chain:
    """Check every row, oldest first, in one snapshot and constant memory.

    Parameters
    ----------
    known : Head, optional
        Of an earlier check; that row must still be there, with that hash.

    Raises
    ------
    StoreError
        Names the row that was changed, deleted, inserted or moved, or says that rows were cut off.
    """
    previous, rows = Head(0, ""), 0
    query = sa.select(ledger).order_by(ledger.c.seq)
    streamed = connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
    with streamed:
        for row in streamed.mappings():
            present = Head(row["seq"], row["hash"])
            if (computed := row_hash(row)) != present.hash:
                expected = f"hash {computed}, which its content has"
                raise _broken(f"row {present.seq}", expected=expected, got=present.hash)
            if row["previous_hash"] != previous.hash:
                raise _torn(connection, previous, present, follows=row["previous_hash"])
            if known and known.seq == present.seq and known != present:
                raise _lost(known, got=f"row {known.seq} with hash {present.hash}")
            previous, rows = present, rows + 1
    if known and known.seq > previous.seq:
        raise _lost(known, got=f"a ledger that ends at row {previous.seq}" if rows else "an empty ledger")
    return Chain(rows, previous if rows else None)


def _torn(connection: sa.Connection, before: Head, row: Head, *, follows: str) -> StoreError:
    """Say what happened between two rows that do not fit, though each fits its own hash."""
    column = ledger.c
    parent = connection.execute(sa.select(column.seq).where(column.hash == follows)).scalar()
    heirs = sa.select(sa.func.min(column.seq)).where(
        column.previous_hash == before.hash, column.seq > row.seq
    )
    heir = connection.execute(heirs).scalar()
    behind = f"the row behind row {before.seq}" if before.seq else "the first row"
    if heir is not None and parent is not None and parent > row.seq:
        return _broken(f"rows {row.seq} and {heir}", expected=f"{behind} at {row.seq}", got="them swapped")
    if heir is not None:
        return _broken(f"row {row.seq}", expected=f"row {heir}, which is {behind}", got="an inserted one")
    if parent is not None and parent < before.seq:
        first = connection.execute(sa.select(sa.func.min(column.seq)).where(column.seq > parent)).scalar_one()
        expected = f"row {row.seq}, which is the row behind row {parent}"
        return _broken(_named(first, before.seq), expected=expected, got="inserted ones")
    if row.seq - before.seq > 1:
        got = f"none: deleted, or row {before.seq} rewritten" if before.seq else "none: deleted"
        return _broken(_named(before.seq + 1, row.seq - 1), expected=f"what row {row.seq} follows", got=got)
    return _broken(f"row {before.seq or row.seq}", expected="what it was", got="it rewritten with its hash")


def _named(first: int, last: int) -> str:
    return f"row {first}" if first == last else f"rows {first} to {last}"


def _broken(rows: str, *, expected: str, got: str) -> StoreError:
    return StoreError(f"ledger {rows}", expected=expected, got=got, todo=_TODO)


def _lost(known: Head, *, got: str) -> StoreError:
    return StoreError(
        "ledger",
        expected=f"row {known.seq} with hash {known.hash}, which an earlier check found",
        got=f"{got}: rows were cut off or rewritten",
        todo=f"{_TODO} If this is another ledger than the one checked before, name another --anchor.",
    )

"""Rows that somebody sends, as facts: the same contracts as for files, a reason for each bad row."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estate.core.errors import DataError, ImportFileError
from estate.datasets.mapping import Mapping as Names
from estate.datasets.preparing import Plan, plan_columns, prepare
from estate.datasets.rows import Chunk
from estate.store.fact_tables import fact_id
from estate.store.facts import store_facts

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection

Row = Mapping[str, Any]
"""Texts, numbers and nulls by name."""

_AS_SENT = Names()


@dataclass(frozen=True)
class Taken:
    """What became of rows.

    Parameters
    ----------
    new, corrected, known : int
        Rows that are facts now, versions of facts that were there, and facts that were there as they are.
    refused : mapping of int to list of str
        By position, why a row was not taken.
    ids : tuple of str
        Names of the facts of all rows that were not refused.
    erased : bool
        Whether a row was refused since its lead was erased.
    """

    new: int
    corrected: int
    known: int
    refused: Mapping[int, list[str]]
    ids: tuple[str, ...]
    erased: bool = False


def take_rows(  # noqa: PLR0913  what, where, and three that say how
    connection: Connection,
    kind: str,
    rows: Sequence[Row],
    *,
    at: datetime,
    names: Names = _AS_SENT,
    news: bool = True,
) -> Taken:
    """Store rows that keep the contract of their kind.

    A row of a known fact with other values is its correction: learned now, if it does not say when the desk
    learned of it (``recorded_at``).

    Parameters
    ----------
    connection : sqlalchemy.Connection
        Of an open transaction: the facts are there when it commits.
    kind : str
        One of the contracts' kinds.
    rows : sequence of mapping
    at : datetime
        The present.
    names : Mapping, optional
        What the sender calls our columns and values.
    news : bool
        Whether facts that are not known yet are learned now; else they were learned when they happened.

    Raises
    ------
    DataError
        If the kind is unknown.
    """
    plan, odd = _plan(kind, rows, names)
    good = [row for row in range(len(rows)) if row not in odd]
    columns = _columns(rows, good, plan.sources.values())
    prepared = prepare(plan, Chunk(range(len(rows)), columns, {}, str, 1.0))
    facts, reasons = prepared.facts, {**prepared.reasons, **odd}
    if news and not plan.says_when_recorded:
        facts = facts.assign(recorded_at=facts["event_at"].where(facts["event_at"] > at, at))
    stored = store_facts(connection, kind, facts, corrections="recorded" if plan.says_when_recorded else at)
    key = fact_id(kind)
    conflicting = set(stored.conflicting)
    for row, name, recorded_at in zip(facts.index, facts[key], facts["recorded_at"], strict=True):
        if (name, recorded_at) in conflicting:
            reasons[row] = [
                f"{key}: is stored already with other values that were recorded at the same moment"
            ]
    erased = set(stored.erased)
    for row, name in zip(facts.index, facts[key], strict=True):
        if name in erased:
            reasons[row] = ["lead_id: expected a lead that was not erased, got one of whom nothing is kept"]
    kept = [name for row, name in zip(facts.index, facts[key], strict=True) if row not in reasons]
    known = len(kept) - stored.new - stored.corrected + prepared.repeated
    return Taken(
        stored.new, stored.corrected, known, dict(sorted(reasons.items())), tuple(kept), bool(erased)
    )


def _plan(kind: str, rows: Sequence[Row], names: Names) -> tuple[Plan, dict[int, list[str]]]:
    """Find our columns; also what is wrong with rows before their values are read."""
    given = dict.fromkeys(name for row in rows for name in row)
    needed = [name for name in _needed(kind, names) if name not in given]
    try:
        plan = plan_columns(kind, Path("body"), (*given, *needed), names)
    except ImportFileError as error:
        raise DataError(error.what, expected=error.expected, got=error.got, todo=error.todo) from error
    read = set(plan.sources.values())
    known = f"one of {', '.join(plan.sources)}"
    odd: dict[int, list[str]] = {}
    for position, row in enumerate(rows):
        for name, value in row.items():
            if name not in read:
                if names is _AS_SENT:
                    odd.setdefault(position, []).append(f"{name[:60]!a}: expected {known}, got no column")
            elif not _is_plain(value):
                odd.setdefault(position, []).append(
                    f"{name}: expected a text or a number, got {_kind(value)}"
                )
    return plan, odd


def _needed(kind: str, names: Names) -> list[str]:
    """Names of columns without which no row is good: each row is then refused by itself."""
    from estate.datasets.contracts import contract

    required = [field.name for field in contract(kind) if field.required and field.name != "recorded_at"]
    return [names.their_name(name) for name in (*required, *names.columns) if name not in names.constants]


def _columns(rows: Sequence[Row], good: Sequence[int], wanted: Iterable[str]) -> dict[str, pd.Series]:
    import pandas as pd

    return {
        name: pd.Series([_text(rows[row].get(name)) for row in good], index=list(good), dtype=object)
        for name in dict.fromkeys(wanted)
    }


def _is_plain(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return value is None or isinstance(value, str | int | float)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "a list" if isinstance(value, list) else "an object"


def _text(value: object) -> str | None:
    """Write a value as a file would hold it; a lone surrogate, which no file can hold, as a question mark."""
    if not _is_plain(value) or value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)[:400]

"""New and changed rows of a CRM's own database, as facts.

The watermark is written in the transaction of the facts that it stands for: whoever is killed goes on behind
what is stored. Each run begins some days before it, since a row can become visible after a newer one; a row
that says what is known already changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estate.core.clock import now
from estate.core.errors import DataError
from estate.datasets.quarantine import Quarantine, Refused
from estate.intake.extraction_plan import ExtractionPlan, SourceTable
from estate.intake.rows import take_rows
from estate.store.erasures import erased_among
from estate.store.extractions import Extraction, open_extraction, save_extraction
from estate.store.imports import import_lock
from estate.store.source_rows import SourceRow, source_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from estate.store.database import Database

ROWS_AT_ONCE = 5_000


@dataclass(frozen=True)
class Extracted:
    """What came of one kind of facts in one run.

    Parameters
    ----------
    kind : str
    rows_read, rows_new, rows_corrected, rows_refused : int
    watermark : datetime, optional
        Of the newest row that was read so far.
    quarantine : Path, optional
        File with refused rows and the reasons.
    """

    kind: str
    rows_read: int
    rows_new: int
    rows_corrected: int
    rows_refused: int
    watermark: datetime | None
    quarantine: Path | None


def extract_kind(  # noqa: PLR0913  what, from where, to where, and three that say how
    database: Database,
    plan: ExtractionPlan,
    table: SourceTable,
    *,
    url: str,
    home: Path,
    everything: bool = False,
    rows_at_once: int = ROWS_AT_ONCE,
    progress: Callable[[Extracted], None] | None = None,
) -> Extracted:
    """Read what was written since the last run, and some days before.

    In the first run, up to its end, facts were learned when they happened, as in an import; from then on they
    are learned now, and so are corrections.

    Parameters
    ----------
    database : Database
    plan : ExtractionPlan
    table : SourceTable
    url : str
        SQLAlchemy address of the CRM's database.
    home : Path
        Refused rows go to ``<home>/quarantine/<source>-<kind>.csv``.
    everything : bool
        Read all rows again: those that came later than ``late_days`` allow.
    rows_at_once : int
        Rows in one transaction.
    progress : callable, optional
        Told after each transaction.

    Raises
    ------
    DataError
        If the CRM's database can't be reached or refuses the query, or a row has no time of writing.
    ImportFileError
        If another process is at it.
    StoreError
        If our own database went away.
    """
    with import_lock(database, f"extraction of {plan.source} {table.kind}"):
        with database.begin() as connection:
            state = open_extraction(connection, plan.source, table.kind, at=now())
        since = state.watermark and state.watermark - timedelta(days=table.late_days)
        run = _Run(database, table, Quarantine(home, f"{plan.source}-{table.kind}"), state)
        with source_rows(
            url, table.query, table.watermark, since=None if everything else since, rows_at_once=rows_at_once
        ) as parts:
            for part in parts:
                run.store(part)
                if progress:
                    progress(run.done)
        run.end()
    return run.done


class _Run:
    """One run: how far it is."""

    def __init__(self, database: Database, table: SourceTable, file: Quarantine, state: Extraction) -> None:
        self._database, self._table, self._file, self._state = database, table, file, state
        self._told = {(one.reasons, one.row) for one in file.read()} if file.path.exists() else set()
        self.done = Extracted(table.kind, 0, 0, 0, 0, state.watermark, None)

    def store(self, rows: list[SourceRow]) -> None:
        """Store some rows, and how far that is."""
        at, newest = now(), max(_written_at(self._table, row) for row in rows)
        with self._database.begin() as connection:
            taken = take_rows(
                connection,
                self._table.kind,
                [_plain(row) for row in rows],
                at=at,
                names=self._table.mapping,
                news=self._state.whole_at is not None,
            )
            self._put_aside(connection, rows, taken.refused)
            reached = min(newest, at)  # one row of next year must not hide all that are written until then
            self._state = replace(
                self._state,
                watermark=max(self._state.watermark or reached, reached),
                rows_read=self._state.rows_read + len(rows),
                rows_refused=self._state.rows_refused + len(taken.refused),
                read_at=at,
            )
            save_extraction(connection, self._state)
        done = self.done
        self.done = Extracted(
            done.kind,
            done.rows_read + len(rows),
            done.rows_new + taken.new,
            done.rows_corrected + taken.corrected,
            done.rows_refused + len(taken.refused),
            self._state.watermark,
            self._file.path if self._file.path.exists() else None,
        )

    def end(self) -> None:
        """Note that everything was read."""
        at = now()
        self._state = replace(self._state, whole_at=self._state.whole_at or at, read_at=at)
        with self._database.begin() as connection:
            save_extraction(connection, self._state)

    def _put_aside(
        self, connection: Connection, rows: list[SourceRow], refused: Mapping[int, list[str]]
    ) -> None:
        """Keep refused rows, each once however often it is read, and none of an erased lead."""
        column = self._table.mapping.their_name("lead_id")
        leads = {row: str(rows[row].get(column)) for row in refused}
        erased = erased_among(connection, list(set(leads.values()))) if leads else set()
        found = [
            Refused(self._state.rows_read + row + 1, tuple(reasons), _as_line(rows[row]))
            for row, reasons in refused.items()
            if leads[row] not in erased
        ]
        fresh = [one for one in found if (one.reasons, one.row) not in self._told]
        self._told.update((one.reasons, one.row) for one in fresh)
        self._file.add(fresh)


def _written_at(table: SourceTable, row: SourceRow) -> datetime:
    value = row[table.watermark]
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    got = "none" if value is None else f"a {type(value).__name__}"
    raise DataError(
        f"watermark `{table.watermark}` of {table.kind}",
        expected="a timestamp in every row",
        got=got,
        todo="Let the query make one, such as coalesce(updated_at, created_at).",
    )


def _plain(row: SourceRow) -> dict[str, Any]:
    """Values as a file would hold them; what can't be written stays, and is refused with its row."""
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    match value:
        case bool():
            return str(value).lower()
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case None | str() | int() | float() | list() | dict() | bytes():
            return value
        case _:
            return str(value)


def _as_line(row: SourceRow) -> str:
    return json.dumps(row, default=str, ensure_ascii=False)


def each_kind(plan: ExtractionPlan, only: str | None) -> Iterator[SourceTable]:
    """Yield the kinds of a plan, or the one that is asked for.

    Raises
    ------
    DataError
        If the plan does not read it.
    """
    names = [table.kind for table in plan.tables]
    if only is not None and only not in names:
        raise DataError("kind to extract", expected=f"one of {', '.join(names)}", got=repr(only))
    yield from (table for table in plan.tables if only in (None, table.kind))

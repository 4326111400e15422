"""From a file into the database: each fact once, each bad row into quarantine, however often it is killed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from collections.abc import Mapping as MappingType
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from estate.core.clock import now
from estate.core.errors import ImportFileError
from estate.datasets.contracts import contract
from estate.datasets.csv_rows import CsvRows
from estate.datasets.mapping import Mapping
from estate.datasets.parquet_rows import PARQUET, ParquetRows
from estate.datasets.preparing import Plan, plan_columns, prepare
from estate.datasets.quarantine import Quarantine, Refused
from estate.datasets.report import ImportReport, Progress
from estate.datasets.rows import Chunk, RawTable
from estate.store.erasures import erased_among
from estate.store.facts import Corrections, Stored, store_facts
from estate.store.imports import ImportRow, import_lock, open_import, save_import

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Connection

    from estate.store.database import Database

_ZIP, _UTF16 = b"PK\x03\x04", (b"\xff\xfe", b"\xfe\xff")


def import_file(  # noqa: PLR0913  all but three have a default
    database: Database,
    kind: str,
    path: Path,
    *,
    home: Path,
    mapping: Mapping | None = None,
    corrections: bool = False,
    chunk_rows: int = 50_000,
    progress: Callable[[Progress], None] | None = None,
) -> ImportReport:
    """Import a CSV file (also gzipped) or a Parquet file.

    A chunk's facts and the number of rows done with are committed together: whoever is killed goes on after
    the last committed chunk. An import is known by its kind, the file's content, the mapping and
    ``corrections``; the same again does nothing.

    Parameters
    ----------
    database : Database
    kind : str
        One of the contracts' kinds.
    path : Path
    home : Path
        Refused rows go to ``<home>/quarantine/<import id>.csv``.
    mapping : Mapping, optional
        What the file calls our columns and values.
    corrections : bool
        Whether a row of a known fact with other values is its correction, learned now; matters only where the
        file does not say when its rows were recorded.
    chunk_rows : int
        Rows in one transaction.
    progress : callable, optional
        Told after each chunk.

    Raises
    ------
    ImportFileError
        If the file can't be imported at all.
    StoreError
        If the database can't be reached.
    """
    began = time.monotonic()
    mapping = mapping or Mapping()
    contract(kind)
    fresh = _fresh(kind, path, mapping, corrections)
    table = _open(path, mapping)
    plan = plan_columns(kind, path, table.columns, mapping)
    with import_lock(database, fresh.import_id):
        with database.begin() as connection:
            before = open_import(connection, fresh)
        run = _Run(
            database, plan, Quarantine(home, before.import_id), before, _corrections(plan, corrections)
        )
        if before.finished_at is None:
            run.all_of(table, chunk_rows, progress)
    row = run.row
    return ImportReport(
        import_id=row.import_id,
        kind=kind,
        file=path,
        rows_read=row.rows_read,
        rows_new=row.rows_stored - before.rows_stored - run.corrected,
        rows_corrected=run.corrected,
        rows_known=run.known,
        rows_erased=run.erased,
        rows_refused=row.rows_refused,
        resumed_at=before.rows_read,
        finished_before=before.finished_at is not None,
        quarantine=run.quarantine.path if row.rows_refused else None,
        ignored_columns=plan.ignored,
        seconds=time.monotonic() - began,
    )


class _Run:
    """One run of an import: where it is, and what it has stored so far."""

    def __init__(
        self,
        database: Database,
        plan: Plan,
        quarantine: Quarantine,
        row: ImportRow,
        corrections: Corrections,
    ) -> None:
        self.database, self.plan, self.quarantine, self.row = database, plan, quarantine, row
        self.known = self.corrected = self.erased = 0
        self._corrections = corrections

    @property
    def _refusal(self) -> str:
        known = "is stored already with other values"
        if self._corrections == "refused":
            return f"{known}: to correct it, use --corrections, or say in recorded_at when you learned of it"
        return f"{known} that were recorded at the same moment: a correction needs a later recorded_at"

    def _conflicting(
        self, stored: Stored, ids: pd.Series[str], moments: pd.Series[pd.Timestamp]
    ) -> list[int]:
        """Rows that were refused: by id alone where the file has each id once."""
        if self._corrections != "recorded":
            refused = {name for name, _ in stored.conflicting}
            return ids.index[ids.isin(refused)].tolist()
        pairs = set(stored.conflicting)
        return [i for i, name, at in zip(ids.index, ids, moments, strict=True) if (name, at) in pairs]

    def all_of(self, table: RawTable, chunk_rows: int, progress: Callable[[Progress], None] | None) -> None:
        wanted = list(dict.fromkeys(self.plan.sources.values()))
        first = True
        for chunk in table.chunks(wanted, self.row.rows_read, chunk_rows):
            if first:
                self.quarantine.forget_from(chunk.lines[0])
                first = False
            self._store(chunk)
            if progress:
                row = self.row
                progress(Progress(self.plan.kind, row.rows_read, row.rows_refused, chunk.share))
        self.row = replace(self.row, finished_at=now())
        with self.database.begin() as connection:
            save_import(connection, self.row)

    def _store(self, chunk: Chunk) -> None:
        prepared = prepare(self.plan, chunk)
        facts, reasons = prepared.facts, dict(prepared.reasons)
        key = contract(self.plan.kind)[0].name
        with self.database.begin() as connection:
            stored = store_facts(connection, self.plan.kind, facts, corrections=self._corrections)
            other = self._conflicting(stored, facts[key], facts["recorded_at"])
            reasons |= {row: [f"{key}: {self._refusal}"] for row in other}
            gone = self._erased(connection, chunk, reasons)
            # first the quarantine, then the commit: a row is dropped from it again if the commit never comes
            self.quarantine.add(
                Refused(chunk.lines[row], tuple(sentences), chunk.raw(row))
                for row, sentences in sorted(reasons.items())
                if row not in gone
            )
            self.row = replace(
                self.row,
                rows_read=self.row.rows_read + len(chunk.lines),
                rows_stored=self.row.rows_stored + stored.new + stored.corrected,
                rows_refused=self.row.rows_refused + len(reasons) - len(gone),
            )
            save_import(connection, self.row)
        self.corrected += stored.corrected
        self.erased += len(stored.erased) + len(gone)
        taken = stored.new + stored.corrected + len(other) + len(stored.erased)
        self.known += len(facts) - taken + prepared.repeated

    def _erased(self, connection: Connection, chunk: Chunk, reasons: MappingType[int, list[str]]) -> set[int]:
        """Of refused rows, those whose lead was erased: they are not kept in quarantine either."""
        column = self.plan.sources.get("lead_id")
        if column is None or not reasons:
            return set()
        leads = chunk.columns[column]
        named = {row: str(leads[row]).strip() for row in reasons if row in leads.index}
        erased = erased_among(connection, list(set(named.values())))
        return {row for row, lead in named.items() if lead in erased}


def _corrections(plan: Plan, asked: bool) -> Corrections:
    """Where a file does not say when its rows were recorded, only a person can say that they are news."""
    if plan.says_when_recorded:
        return "recorded"
    return now() if asked else "refused"


def _fresh(kind: str, path: Path, mapping: Mapping, corrections: bool) -> ImportRow:
    asked = f"{kind}\n{mapping.canonical()}\n" + "corrections\n" * corrections
    digest = hashlib.sha256(asked.encode())
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise ImportFileError(
            f"file {path}", expected="a file to read", got=(error.strerror or "none").lower()
        ) from error
    return ImportRow(digest.hexdigest()[:32], kind, path.name, 0, 0, 0, now(), None)


def _open(path: Path, mapping: Mapping) -> RawTable:
    with path.open("rb") as file:
        head = file.read(4)
    if head == PARQUET:
        return ParquetRows(path)
    if path.suffix == ".parquet" or head == _ZIP:
        got = "a zip archive, perhaps a spreadsheet" if head == _ZIP else "no Parquet inside"
        raise ImportFileError(
            f"file {path}", expected="CSV or Parquet", got=got, todo="Save it as CSV (UTF-8) and import that."
        )
    if head.startswith(_UTF16) and not mapping.encoding.lower().startswith(("utf-16", "utf_16")):
        raise ImportFileError(
            f"file {path}",
            expected=f"text in {mapping.encoding}",
            got="UTF-16",
            todo="Say `encoding: utf-16` in the mapping file, or save the file as UTF-8.",
        )
    return CsvRows(path, mapping)

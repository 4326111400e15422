"""Rows that could not be imported, with the reasons, for a person to correct."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from estate.datasets.rows import LONGEST_FIELD

HEADER = ("line", "reasons", "row")
_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True)
class Refused:
    """One row that was not imported.

    Parameters
    ----------
    line : int
        Its line in a CSV file, its number in a Parquet file; from 1.
    reasons : tuple of str
    row : str
        As it stands in the file. May hold personal data: never in a log.
    """

    line: int
    reasons: tuple[str, ...]
    row: str


class Quarantine:
    """The file of one import's refused rows; only its owner may read it.

    Parameters
    ----------
    home : Path
    import_id : str
    """

    def __init__(self, home: Path, import_id: str) -> None:
        self.path = home / "quarantine" / f"{import_id}.csv"

    def forget_from(self, line: int) -> None:
        """Drop what a killed run wrote of rows that it did not commit.

        Parameters
        ----------
        line : int
            First line that is not done with.
        """
        if not self.path.exists():
            return
        self.drop(lambda refused: refused.line >= line)

    def drop(self, unwanted: Callable[[Refused], bool]) -> int:
        """Drop rows for good; return how many."""
        rows = self.read()
        kept = [refused for refused in rows if not unwanted(refused)]
        draft = self.path.with_suffix(".draft")
        self._write(draft, kept, "w")
        draft.replace(self.path)
        return len(rows) - len(kept)

    def add(self, refused: Iterable[Refused]) -> None:
        """Append rows; they are on the disk when this returns."""
        rows = list(refused)
        if rows:
            self._write(self.path, rows, "a")

    def read(self) -> list[Refused]:
        """Return all rows; the last one is left out if it was cut off."""
        csv.field_size_limit(LONGEST_FIELD)
        with self.path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if len(row) == len(HEADER) and row[0].isdigit()]
        return [Refused(int(line), tuple(reasons.split("; ")), _plain(row)) for line, reasons, row in rows]

    def _write(self, path: Path, rows: Iterable[Refused], mode: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if mode == "a" else os.O_TRUNC)
        with os.fdopen(os.open(path, flags, 0o600), mode, newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            if not file.tell():
                writer.writerow(HEADER)
            writer.writerows((one.line, "; ".join(one.reasons), _harmless(one.row)) for one in rows)
            file.flush()
            os.fsync(file.fileno())


def _harmless(row: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula; :func:`_plain` takes it away.

    Examples
    --------
    >>> _harmless("=HYPERLINK(A1)"), _harmless("'t Hooft,1"), _harmless("a,=1")
    ("'=HYPERLINK(A1)", "''t Hooft,1", 'a,=1')
    >>> _plain(_harmless("'t Hooft,1")), _plain("a,=1")
    ("'t Hooft,1", 'a,=1')
    """
    return f"'{row}" if row.startswith(_RUN_BY_SPREADSHEETS) else row


def _plain(row: str) -> str:
    return row.removeprefix("'")

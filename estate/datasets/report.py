"""How far an import is, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Progress:
    """How far an import is.

    Parameters
    ----------
    kind : str
    rows_read, rows_refused : int
        Since the file's beginning, also when it was resumed.
    share : float
        Of the file, in [0, 1].
    """

    kind: str
    rows_read: int
    rows_refused: int
    share: float


@dataclass(frozen=True)
class ImportReport:
    """What came of an import.

    Parameters
    ----------
    import_id : str
    kind : str
    file : Path
    rows_read : int
        Rows of the file that are done with, in this and in earlier runs.
    rows_new : int
        Facts that this run stored.
    rows_corrected : int
        Newer versions of stored facts that this run added.
    rows_known : int
        Rows of this run that were stored already, value for value.
    rows_erased : int
        Rows of this run that were left out since their lead was erased.
    rows_refused : int
        Rows in quarantine, from this and from earlier runs of the same import.
    resumed_at : int
        Rows that an earlier run had done with; 0 for a fresh import.
    finished_before : bool
        The same file with the same mapping was imported before; nothing was read.
    quarantine : Path or None
        File with the refused rows and the reasons.
    ignored_columns : tuple of str
        Columns of the file that the import does not use.
    seconds : float
    """

    import_id: str
    kind: str
    file: Path
    rows_read: int
    rows_new: int
    rows_corrected: int
    rows_known: int
    rows_erased: int
    rows_refused: int
    resumed_at: int
    finished_before: bool
    quarantine: Path | None
    ignored_columns: tuple[str, ...]
    seconds: float

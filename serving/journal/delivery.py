"""Hands rows to the database; those that it refuses are found and put aside, the others kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from estate.core.errors import DataError
from estate.store.prediction_rows import PredictionRows
from estate.store.prediction_writer import KeptRows, PredictionWriter
from serving.journal import folder as files

logger = logging.getLogger(__name__)

Count = Callable[[int], object]


def _uncounted(_rows: int) -> None:
    """Count nothing."""


class Delivery:
    """Writes rows and counts them.

    Parameters
    ----------
    writer : PredictionWriter
    folder : Path
        Of the journal: what is refused is kept there.
    count_written, count_refused : callable
        Told of rows.
    """

    def __init__(
        self,
        writer: PredictionWriter,
        folder: Path,
        *,
        count_written: Count = _uncounted,
        count_refused: Count = _uncounted,
    ) -> None:
        self.writer, self.folder = writer, folder
        self._count_written, self._count_refused = count_written, count_refused

    def deliver(self, groups: Sequence[KeptRows]) -> int:
        """Keep rows and return how many were new.

        Raises
        ------
        StoreError, SettingsError
            If the database is away; then what was written is left out at the next try.
        """
        if not groups:
            return 0
        try:
            new = self.writer.write(groups)
        except DataError as error:
            halves = _halves(groups)
            if halves:
                return sum(map(self.deliver, halves))
            self._put_aside(groups[0], error)
            return 0
        self._count_written(new)
        return new

    def _put_aside(self, row: KeptRows, error: DataError) -> None:
        (name,) = row.names()
        path = self.folder / files.REFUSED / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        shown = row.predictions()[0] if isinstance(row, PredictionRows) else (row.pair, row.copied())
        path.write_bytes(msgspec.json.encode(shown))
        self._count_refused(1)
        logger.error("prediction_refused file=%s error=%s", path.name, error.got)


def _halves(groups: Sequence[KeptRows]) -> list[list[KeptRows]]:
    """Return two parts; none if it is one row."""
    if len(groups) > 1:
        middle = len(groups) // 2
        return [list(groups[:middle]), list(groups[middle:])]
    rows = len(groups[0])
    if rows < 2:
        return []
    return [[groups[0].take(range(rows // 2))], [groups[0].take(range(rows // 2, rows))]]

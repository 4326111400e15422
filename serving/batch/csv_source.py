"""CSV files, also compressed, read as texts: what a value means is decided column by column.

A column's type is that of the whole file, as in training: numbers only if every value is one. So the file is
looked through once before it is scored. Values of a CSV target come through as they were written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc_csv

from estate.core.errors import DataError
from serving.batch.csv_kinds import Kind, as_kind, kinds_of
from serving.batch.files_source import stamp
from serving.batch.source import skipped, unreadable

CSV = (".csv", ".csv.gz")
_BLOCK = 1 << 20  # Arrow reads some dozens of them ahead
_MOST_MALFORMED = 100_000


@dataclass
class CsvSource:
    """Rows of a CSV file.

    Parameters
    ----------
    path : Path
    separator : str
        One character.
    kinds : dict, optional
        Types that an earlier run found.
    skip : bool
        Whether lines of too few or too many values are left out rather than an error.
    malformed : dict
        Text and reason of such lines by their row, from 0, as far as the file was read.
    """

    path: Path
    separator: str = ","
    kinds: dict[str, Kind] = field(default_factory=dict)
    skip: bool = False
    rows: int | None = None
    texts = True
    malformed: dict[int, tuple[str, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file."""
        return f"file {self.path}"

    @cached_property
    def names(self) -> list[str]:
        """Names of the columns."""
        try:
            with pc_csv.open_csv(self.path, parse_options=self._parse(_left_out)) as reader:
                names = list(reader.schema.names)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(self.name, error) from error
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(self.name, expected="each column once", got=f"{', '.join(twice)} twice")
        return names

    @property
    def schema(self) -> Any:
        """Columns with the types that were found; texts where none were looked for."""
        return pa.schema([(name, self.kinds.get(name, Kind.TEXT).type) for name in self.names])

    def find_kinds(self, names: Collection[str]) -> None:
        """Look through the whole file for the types of some columns, and count its rows."""
        wanted = [name for name in self.names if name in names]
        self.kinds, self.rows = kinds_of(self._read(), wanted)

    def identity(self) -> Mapping[str, object]:
        """Return name, size and time of the file, and how it is read."""
        return {"path": str(self.path.absolute()), "files": [stamp(self.path)], "separator": self.separator}

    def batches(self, start: int, size: int) -> Iterator[Any]:
        """Yield rows as texts; those before ``start`` are read and left out."""
        for batch in skipped(self._read(), start):
            yield from (batch.slice(at, size) for at in range(0, batch.num_rows, size))

    def typed(self, batch: Any, names: Collection[str] | None = None) -> Any:
        """Return the batch with the types that were found, texts for not known as null."""
        wanted = [name for name in self.names if names is None or name in names]
        kinds = [self.kinds.get(name, Kind.TEXT) for name in wanted]
        columns = [as_kind(batch.column(name), kind) for name, kind in zip(wanted, kinds, strict=True)]
        return pa.RecordBatch.from_arrays(columns, names=wanted)

    def place(self, row: int) -> tuple[str, int]:
        """Return the file and the row in it, malformed lines counted."""
        for number in sorted(self.malformed):
            if number > row:
                break
            row += 1
        return self.name, row

    def _read(self) -> Iterator[Any]:
        texts = pc_csv.ConvertOptions(
            column_types=dict.fromkeys(self.names, pa.string()), strings_can_be_null=False
        )
        # One thread parses (the others score); only then a malformed line knows its number.
        read = pc_csv.ReadOptions(use_threads=False, block_size=_BLOCK)
        try:
            with pc_csv.open_csv(
                self.path, read_options=read, parse_options=self._parse(self._odd), convert_options=texts
            ) as reader:
                for batch in reader:
                    self._refuse_malformed()
                    yield batch
            self._refuse_malformed()
        except (pa.ArrowException, OSError) as error:
            raise unreadable(self.name, error) from error

    def _refuse_malformed(self) -> None:
        if len(self.malformed) > (_MOST_MALFORMED if self.skip else 0):
            row = min(self.malformed)
            expected, got = self.malformed[row][1].split(", got ")
            raise DataError(
                f"{self.name}, row {row}",
                expected=expected.removeprefix("expected "),
                got=got,
                todo="Correct the line, or put such rows aside: `--on-bad-rows quarantine`.",
            )

    def _odd(self, row: Any) -> str:
        # Its number is of lines, from 1, the header's too.
        reason = f"expected {row.expected_columns} values, got {row.actual_columns}"
        self.malformed[row.number - 2] = (row.text, reason)
        return "skip"

    def _parse(self, odd: Callable[[Any], str]) -> Any:
        return pc_csv.ParseOptions(delimiter=self.separator, newlines_in_values=True, invalid_row_handler=odd)


def _left_out(row: Any) -> str:
    del row
    return "skip"

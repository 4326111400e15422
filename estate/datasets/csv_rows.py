"""Rows of a CSV file, plain or gzipped."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from estate.core.errors import ImportFileError
from estate.datasets.mapping import Mapping
from estate.datasets.rows import LONGEST_FIELD, Chunk

if TYPE_CHECKING:
    import pandas as pd

GZIP = b"\x1f\x8b"
_HOPELESS = ("field larger", "unexpected end")  # of csv.Error: an open quote swallowed the rows after it


@dataclass(frozen=True)
class _Record:
    line: int
    raw: str
    values: list[str]
    wrong: str


class CsvRows:
    """A CSV file with a header.

    Parameters
    ----------
    path : Path
    mapping : Mapping
        For separator and encoding.

    Raises
    ------
    ImportFileError
        If the file is empty, cut off, in another encoding, or names a column twice.
    """

    def __init__(self, path: Path, mapping: Mapping) -> None:
        self._path, self._mapping = path, mapping
        with self._reading() as (_, records):
            header = next(records, None)
        if header is None:
            raise ImportFileError(f"file {path}", expected="a header and rows", got="an empty file")
        self._header = [name.strip() for name in header.values]
        twice = sorted({name for name in self._header if self._header.count(name) > 1})
        if twice:
            raise ImportFileError(
                f"file {path}", expected="every column once", got=f"twice: {', '.join(twice)}"
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """Names in the header."""
        return tuple(self._header)

    def chunks(self, wanted: Sequence[str], skip: int, size: int) -> Iterator[Chunk]:
        """Yield the rows after the first ``skip`` ones; see :class:`~.rows.RawTable`."""
        whole = max(self._path.stat().st_size, 1)
        with self._reading() as (binary, records):
            next(records, None)
            for _ in range(skip):
                next(records, None)
            while batch := [record for _, record in zip(range(size), records, strict=False)]:
                yield self._chunk(batch, wanted, min(binary.tell() / whole, 1.0))

    def _chunk(self, batch: list[_Record], wanted: Sequence[str], share: float) -> Chunk:
        import pandas as pd

        fields = len(self._header)
        wrong = {
            row: record.wrong or f"expected {fields} fields, got {len(record.values)}"
            for row, record in enumerate(batch)
            if record.wrong or len(record.values) != fields
        }
        index = (
            pd.RangeIndex(len(batch))
            if not wrong
            else pd.Index([i for i in range(len(batch)) if i not in wrong])
        )
        columns: dict[str, pd.Series] = {}
        for name in wanted:
            place = self._header.index(name)
            values = [record.values[place] for row, record in enumerate(batch) if row not in wrong]
            columns[name] = pd.Series(values, index=index, dtype=object)
        return Chunk([record.line for record in batch], columns, wrong, lambda row: batch[row].raw, share)

    @contextmanager
    def _reading(self) -> Iterator[tuple[BinaryIO, Iterator[_Record]]]:
        with self._path.open("rb") as binary:
            zipped = binary.peek(2)[:2] == GZIP
            stream = gzip.GzipFile(fileobj=binary) if zipped else binary
            # newline="": the csv module wants to see the line ends inside of quotes
            text = io.TextIOWrapper(stream, encoding=self._mapping.encoding, newline="")
            yield binary, self._records(text)

    def _records(self, text: io.TextIOWrapper) -> Iterator[_Record]:
        seen: list[str] = []

        def lines() -> Iterator[str]:
            for line in text:
                seen.append(line)
                yield line

        csv.field_size_limit(LONGEST_FIELD)
        reader = csv.reader(lines(), delimiter=self._mapping.separator, strict=True)
        while True:
            line = reader.line_num + 1
            wrong, values = "", []
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if str(error).startswith(_HOPELESS):
                    raise self._broken(line, "every quote closed", "one that is open to the end") from error
                wrong = f"expected quotes around a whole field, got {error}"
            except UnicodeDecodeError as error:
                raise self._encoding(line, error) from error
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise self._broken(line, "a whole gzip file", "one that is cut off or damaged") from error
            if values or wrong:
                yield _Record(line, "".join(seen).rstrip("\r\n"), values, wrong)
            seen.clear()

    def _encoding(self, line: int, error: UnicodeDecodeError) -> ImportFileError:
        return ImportFileError(
            f"file {self._path}, after line {max(line - 1, 0)}",
            expected=f"text in {self._mapping.encoding}",
            got=f"byte 0x{error.object[error.start]:02x}",
            todo="Name the right `encoding` in the mapping file, such as latin-1 or utf-16.",
        )

    def _broken(self, line: int, expected: str, got: str) -> ImportFileError:
        return ImportFileError(
            f"file {self._path}, from line {line}",
            expected=expected,
            got=got,
            todo="Rows before it may be stored; importing the corrected file stores only the rest.",
        )

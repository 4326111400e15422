"""Parquet and Arrow files: one, or all of a folder in the order of their names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from estate.core.errors import DataError
from serving.batch.source import skipped, unreadable

PARQUET, ARROW = (".parquet",), (".arrow", ".feather", ".ipc")
_BUFFER = 1 << 20  # read a column's pages as they come: a row group may be larger than the memory


@dataclass(frozen=True)
class FilesSource:
    """Rows of one or more files with the same columns.

    Parameters
    ----------
    path : Path
        What was asked for.
    files : sequence of Path
    """

    path: Path
    files: Sequence[Path]
    texts = False

    @property
    def name(self) -> str:
        """The file or folder."""
        return f"file {self.path}"

    @cached_property
    def schema(self) -> Any:
        """Columns of the first file; of all, where types differ in their width only."""
        found = [_schema(path) for path in self.files]
        try:
            return pa.unify_schemas(found, promote_options="permissive").remove_metadata()
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise DataError(
                self.name, expected="files with the same columns", got=str(error).splitlines()[0]
            ) from error

    @cached_property
    def rows(self) -> int | None:
        """Rows of all files."""
        return sum(self._counts)

    @cached_property
    def _counts(self) -> list[int]:
        return [_count(path) for path in self.files]

    def identity(self) -> Mapping[str, object]:
        """Return names, sizes and times of all files."""
        return {"path": str(self.path.absolute()), "files": [stamp(path) for path in self.files]}

    def batches(self, start: int, size: int) -> Iterator[Any]:
        """Yield rows from ``start`` on; files and row groups before it are not read."""
        for path, rows in zip(self.files, self._counts, strict=True):
            if start >= rows:
                start -= rows
                continue
            try:
                for batch in _batches(path, start, size):
                    yield batch if batch.schema.equals(self.schema) else _fitted(batch, self.schema)
            except (pa.ArrowException, OSError) as error:
                raise unreadable(f"file {path}", error) from error
            start = 0

    def typed(self, batch: Any, names: Collection[str] | None = None) -> Any:
        """Return the batch: it has its types."""
        return batch if names is None else batch.select([n for n in batch.schema.names if n in names])

    def place(self, row: int) -> tuple[str, int]:
        """Return the file and the row in it."""
        for path, rows in zip(self.files, self._counts, strict=True):
            if row < rows:
                return f"file {path}", row
            row -= rows
        return self.name, row


def stamp(path: Path) -> list[object]:
    """Return what changes when a file is written again."""
    found = path.stat()
    return [path.name, found.st_size, found.st_mtime_ns]


def _schema(path: Path) -> Any:
    try:
        return pq.read_schema(path) if path.suffix in PARQUET else _reader(path).schema
    except (pa.ArrowException, OSError) as error:
        raise unreadable(f"file {path}", error) from error


def _reader(path: Path) -> Any:
    return pa.ipc.open_file(pa.memory_map(str(path)))


def _count(path: Path) -> int:
    if path.suffix in PARQUET:
        return int(pq.read_metadata(path).num_rows)
    reader = _reader(path)
    return sum(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))


def _batches(path: Path, start: int, size: int) -> Iterator[Any]:
    if path.suffix not in PARQUET:
        reader = _reader(path)
        whole = (reader.get_batch(i) for i in range(reader.num_record_batches))
        for batch in skipped(whole, start):
            yield from (batch.slice(at, size) for at in range(0, batch.num_rows, size))
        return
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER) as file:
        groups = list(range(file.num_row_groups))
        while groups and start >= (rows := file.metadata.row_group(groups[0]).num_rows):
            start -= rows
            groups.pop(0)
        # One thread decodes: the others score.
        yield from skipped(file.iter_batches(size, row_groups=groups, use_threads=False), start)


def _fitted(batch: Any, schema: Any) -> Any:
    """Bring a batch to the columns of all files; one that it lacks is not known there."""
    table = pa.Table.from_batches([batch])
    columns = [
        table[field.name].cast(field.type).combine_chunks()
        if field.name in table.column_names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)

"""What is scored: rows in a fixed order, that can be read again from any of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from estate.core.errors import DataError

_BYTES_AT_ONCE = 16 << 20
_MOST_ROWS, _LEAST_ROWS = 32_768, 2_048


@dataclass(frozen=True)
class Chunk:
    """Rows of a source that are scored together.

    Parameters
    ----------
    first_row : int
        Position of the first one, from 0.
    batch : RecordBatch
        As they were read.
    """

    first_row: int
    batch: Any


class Source(Protocol):
    """Rows with named columns."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        ...

    @property
    def schema(self) -> Any:
        """Arrow schema of the typed rows."""
        ...

    @property
    def rows(self) -> int | None:
        """How many; None where only reading them all would tell."""
        ...

    @property
    def texts(self) -> bool:
        """Whether rows are read as texts, which a CSV target keeps as they are."""
        ...

    def identity(self) -> Mapping[str, object]:
        """Return what changes when the rows do, for JSON."""
        ...

    def batches(self, start: int, size: int) -> Iterator[Any]:
        """Yield the rows from ``start`` on in order, at most ``size`` at once.

        Raises
        ------
        DataError
            If they can't be read.
        """
        ...

    def typed(self, batch: Any, names: Collection[str] | None = None) -> Any:
        """Return a batch with its types, of all columns or the named ones; called in any thread."""
        ...

    def place(self, row: int) -> tuple[str, int]:
        """Return where a person finds a row: the file, and its number there from 0."""
        ...


def rows_at_once(schema: Any) -> int:
    """Return how many rows a chunk has: the wider the table, the fewer.

    Examples
    --------
    >>> rows_at_once(pa.schema([("age", pa.float64())]))
    32768
    >>> rows_at_once(pa.schema([(f"x{i}", pa.float64()) for i in range(500)]))
    4096
    """
    rows = _MOST_ROWS
    while rows > _LEAST_ROWS and rows * 8 * len(schema) > _BYTES_AT_ONCE:
        rows //= 2
    return rows


def chunks(source: Source, start: int, size: int) -> Iterator[Chunk]:
    """Cut a source into chunks of exactly ``size`` rows, however it is read; the last one may be shorter.

    So a run that goes on later makes the same chunks as one that was never stopped.
    """
    waiting: list[Any] = []
    rows = 0
    for batch in source.batches(start, size):
        waiting.append(batch)
        rows += batch.num_rows
        while rows >= size:
            chunk, rest = _cut(waiting, size)
            yield Chunk(start, chunk)
            start += size
            rows -= size
            waiting = [rest] if rows else []
    if rows:
        yield Chunk(start, _cut(waiting, rows)[0])


def _cut(batches: list[Any], size: int) -> tuple[Any, Any]:
    if len(batches) == 1 and batches[0].num_rows == size:
        return batches[0], None
    whole = pa.concat_batches(batches) if len(batches) > 1 else batches[0]
    return whole.slice(0, size), whole.slice(size)


def skipped(batches: Iterable[Any], rows: int) -> Iterator[Any]:
    """Leave out the first rows."""
    for batch in batches:
        if rows >= batch.num_rows:
            rows -= batch.num_rows
            continue
        yield batch.slice(rows) if rows else batch
        rows = 0


def unreadable(name: str, error: Exception) -> DataError:
    """Return the error of a file that is none."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    return DataError(name, expected="CSV, Parquet or Arrow", got=said[0])

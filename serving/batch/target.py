"""Files that are written: chunks are encoded in any thread, and their bytes appended in order."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq

from estate.core.errors import DataError
from serving.batch.row_groups import MAGIC, joined_end, split

Buffer = bytes | memoryview
_LOOKED_AT = 256
KINDS = (".parquet", ".csv", ".csv.gz")


class Target(Protocol):
    """How rows become bytes."""

    @property
    def texts(self) -> bool:
        """Whether it keeps values that are texts as they are."""
        ...

    def head(self, schema: Any) -> bytes:
        """Return what the file begins with."""
        ...

    def encode(self, batch: Any) -> tuple[Buffer, bytes]:
        """Return the bytes of a chunk, and what its end needs to know of them."""
        ...

    def end(self, parts: Iterable[tuple[int, bytes]]) -> bytes:
        """Return what the file ends with, from where each chunk begins and what is known of it."""
        ...


@dataclass(frozen=True)
class ParquetTarget:
    """A Parquet file with a row group for each chunk."""

    texts = False

    def head(self, schema: Any) -> bytes:
        """Return the magic number."""
        del schema
        return MAGIC

    def encode(self, batch: Any) -> tuple[Buffer, bytes]:
        """Return a row group and its metadata.

        What would cost most of the time is left out where it is worth little: dictionaries of values that
        seldom repeat, packing and the least and greatest of fractions of which this is so.
        """
        fields = [(field.name, field.type, batch.column(i)) for i, field in enumerate(batch.schema)]
        repeating = {name for name, kind, values in fields if _repeats(kind, values)}
        loose = {name for name, kind, _ in fields if pa.types.is_floating(kind)} - repeating
        packed: Any = {name: "none" if name in loose else "snappy" for name, _, _ in fields}
        if any(pa.types.is_nested(kind) for _, kind, _ in fields):
            packed = "snappy"  # what is inside has names of its own
        sink = pa.BufferOutputStream()
        pq.write_table(
            pa.Table.from_batches([batch]),
            sink,
            use_dictionary=sorted(repeating) or False,
            compression=packed,
            write_statistics=[name for name, _, _ in fields if name == "score" or name not in loose],
            row_group_size=batch.num_rows or 1,
        )
        return split(memoryview(sink.getvalue()))

    def end(self, parts: Iterable[tuple[int, bytes]]) -> bytes:
        """Return the metadata of all row groups."""
        return joined_end(parts)


@dataclass(frozen=True)
class CsvTarget:
    """A CSV file, packed or not.

    Parameters
    ----------
    packed : bool
        As gzip: each chunk is a member of its own, so that chunks are packed by all threads.
    """

    packed: bool
    texts = True

    def head(self, schema: Any) -> bytes:
        """Return the line of names."""
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(schema.names)
        return bytes(self._pack(line.getvalue().encode()))

    def encode(self, batch: Any) -> tuple[Buffer, bytes]:
        """Return the lines.

        Raises
        ------
        DataError
            If a column has no text, such as a list.
        """
        plain = pa.RecordBatch.from_arrays([_written(c) for c in batch.columns], names=batch.schema.names)
        try:
            return self._pack(_lines(plain, "none")), b""
        except pa.ArrowInvalid:  # a text with a separator, a quote or an end of line
            pass
        except pa.ArrowNotImplementedError as error:
            raise _no_text(error) from error
        try:
            return self._pack(_lines(plain, "needed")), b""
        except pa.ArrowException as error:
            raise _no_text(error) from error

    def end(self, parts: Iterable[tuple[int, bytes]]) -> bytes:
        """Return nothing."""
        del parts
        return b""

    def _pack(self, content: Buffer) -> Buffer:
        if not self.packed:
            return content
        packer = zlib.compressobj(6, zlib.DEFLATED, 31)
        return packer.compress(content) + packer.flush()


def target_of(path: Path) -> Target:
    """Return how a file of this name is written.

    Raises
    ------
    DataError
        If the name says neither CSV nor Parquet.
    """
    if path.name.endswith(".parquet"):
        return ParquetTarget()
    if path.name.endswith((".csv", ".csv.gz")):
        return CsvTarget(path.name.endswith(".gz"))
    raise DataError(f"file {path}", expected=f"a name that ends with {', '.join(KINDS)}", got=path.name)


def _no_text(error: Exception) -> DataError:
    return DataError(
        "CSV target",
        expected="columns of numbers, texts and times",
        got=str(error).splitlines()[0],
        todo="Write Parquet: a name that ends with .parquet.",
    )


def _repeats(kind: Any, values: Any) -> bool:
    """Whether a column's values seem to repeat."""
    if pa.types.is_dictionary(kind) or pa.types.is_nested(kind):
        return not pa.types.is_nested(kind)
    some = values.slice(0, _LOOKED_AT)
    try:
        return bool(pc.count_distinct(some, mode="all").as_py() <= len(some) // 2)
    except pa.ArrowNotImplementedError:  # nulls alone, and rare types
        return False


def _lines(batch: Any, quoting: str) -> Buffer:
    sink = pa.BufferOutputStream()
    pc_csv.write_csv(batch, sink, pc_csv.WriteOptions(include_header=False, quoting_style=quoting))
    return memoryview(sink.getvalue())


def _written(values: Any) -> Any:
    """Return a column that Arrow can write as CSV; not a number is empty, as not known is."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_floating(values.type):
        return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    return values

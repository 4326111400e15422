"""Answers as a table: an Arrow stream or Parquet, written part by part."""

from __future__ import annotations

from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from estate.core.errors import DataError
from serving.prediction_log import AnsweredRows
from serving.problems import Problem

ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
KINDS = (ARROW, PARQUET)
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("label", pa.string()),
        pa.field("version", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("entity", pa.string()),
    ]
)


class Writer(Protocol):
    """Writes a table; each call returns the bytes that are to be sent next."""

    def add(self, answered: AnsweredRows) -> bytes:
        """Write the answers to some rows."""
        ...

    def end(self) -> bytes:
        """Write the end, without which a reader knows that something is missing."""
        ...


class ArrowWriter:
    """Writes an Arrow stream, one record batch a part."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._writer = ipc.new_stream(pa.PythonFile(self._sink, "w"), SCHEMA)

    def add(self, answered: AnsweredRows) -> bytes:
        """Write a record batch."""
        self._writer.write_batch(batch_of(answered))
        return self._sink.take()

    def end(self) -> bytes:
        """Write the mark of the end."""
        self._writer.close()
        return self._sink.take()


class ParquetWriter:
    """Writes a Parquet file, one row group a part; only its end says where everything is."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._writer = pq.ParquetWriter(pa.PythonFile(self._sink, "w"), SCHEMA)

    def add(self, answered: AnsweredRows) -> bytes:
        """Write a row group."""
        self._writer.write_batch(batch_of(answered))
        return self._sink.take()

    def end(self) -> bytes:
        """Write the footer."""
        self._writer.close()
        return self._sink.take()


def answer_kind(accept: str | None, kind: str) -> str:
    """Return in which kind a request wants its answer; that of its body if it does not say.

    Raises
    ------
    Problem
        406 if it takes neither.

    Examples
    --------
    >>> answer_kind("*/*", ARROW) == ARROW, answer_kind(f"text/html, {PARQUET};q=0.5", ARROW) == PARQUET
    (True, True)
    """
    taken = [part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")]
    if kind in taken or {"*/*", "application/*", ""} & set(taken):
        return kind
    other = next((known for known in KINDS if known in taken), None)
    if other is None:
        error = DataError("header accept", expected=" or ".join(KINDS), got=repr((accept or "")[:100]))
        raise Problem(406, error)
    return other


def writer_of(kind: str) -> Writer:
    """Return what writes a kind."""
    return ParquetWriter() if kind == PARQUET else ArrowWriter()


def batch_of(answered: AnsweredRows) -> Any:
    """Return answers as a record batch of :data:`SCHEMA`."""
    scores = answered.scores
    origins = scores.origins()
    columns = [
        pa.array(answered.ids, pa.string()),
        pa.array(scores.score, pa.float64()),
        pa.array(scores.labels(), pa.string()),
        pa.array([version for version, _ in origins], pa.string()),
        pa.array([by.value for _, by in origins], pa.string()),
        pa.array(answered.entities, pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


class _Sink:
    """A file that gives back what was written since the last time."""

    closed = False

    def __init__(self) -> None:
        self._here, self._at = bytearray(), 0

    def write(self, content: bytes) -> int:
        part = bytes(content)
        self._here += part
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        made, self._here = bytes(self._here), bytearray()
        return made

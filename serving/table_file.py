"""Tables on disk that need not fit into memory: read and written a part at a time."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from estate.core.errors import DataError
from estate.core.frame import Column, Frame, category_text
from estate.core.model_spec import CrmSource, TableSource
from estate.training.table import numbers, raw_frame
from serving.models import ServedModel

if TYPE_CHECKING:
    import pandas as pd

ROWS_AT_ONCE = 50_000
_KINDS = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True)
class Parts:
    """The parts of a table.

    Parameters
    ----------
    rows : int or None
        Of the whole table, where the file says it.
    parts : iterator of DataFrame
    """

    rows: int | None
    parts: Iterator[pd.DataFrame]

    def __iter__(self) -> Iterator[pd.DataFrame]:
        return self.parts


def read_parts(served: ServedModel, path: Path) -> Parts:
    """Read a table part by part, as the model's own source is read.

    A source with a reader of its own is read whole, unless the file has the model's columns already.

    Raises
    ------
    DataError
        If there is no such file, or it is neither CSV nor Parquet.
    """
    if not path.is_file():
        raise DataError(f"file {path}", expected="a file", got="none", todo="Correct the path.")
    source = served.spec.source
    reader = source.reader if isinstance(source, TableSource) else None
    needed = served.answering.inputs if served.answering is not None else None
    if reader is not None and not _has(path, {c.name for c in needed or ()}):
        table = reader(path)
        return Parts(
            len(table), (table.iloc[i : i + ROWS_AT_ONCE] for i in range(0, len(table), ROWS_AT_ONCE))
        )
    if _kind(path) == ".parquet":
        return _parquet_parts(path)
    separator = source.separator if isinstance(source, TableSource) else ","
    return Parts(None, _csv_parts(path, separator))


def raw_columns(served: ServedModel, part: pd.DataFrame, *, first_row: int) -> Frame:
    """Return a part's raw columns, typed as the model was trained on them.

    Raises
    ------
    DataError
        If a column is missing, or one of numbers holds text.
    """
    source = served.spec.source
    if not isinstance(source, CrmSource) and source.missing:
        part = part.mask(part.isin(source.missing))
    inputs = served.answering.inputs if served.answering is not None else None
    if inputs is None:
        return raw_frame(part, served.spec)
    absent = [column.name for column in inputs if column.name not in part]
    if absent:
        raise DataError(
            f"table of `{served.spec.name}`, rows from {first_row}",
            expected=f"columns {', '.join(column.name for column in inputs)}",
            got=f"no {', '.join(absent)}",
        )
    read: dict[str, Callable[[pd.Series[Any]], Column]] = {"number": numbers, "category": _categories}
    return Frame({c.name: read[c.kind](part[c.name]) for c in inputs}, len(part))


@contextmanager
def write_parts(path: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Give a function that appends a part to a table; the file has its name only when all went well.

    Raises
    ------
    DataError
        If the name says neither CSV nor Parquet.
    """
    kind = _kind(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")
    try:
        with ExitStack() as stack:
            yield _parquet_writer(partial, stack) if kind == ".parquet" else _csv_writer(partial, stack)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _kind(path: Path) -> str:
    for kind in _KINDS:
        if path.name.endswith(kind):
            return kind
    raise DataError(f"file {path}", expected=f"a name that ends with {', '.join(_KINDS)}", got=path.name)


def _has(path: Path, names: set[str]) -> bool:
    import pandas as pd
    import pyarrow.parquet as pq

    try:
        if path.suffix == ".parquet":
            return names <= set(pq.read_schema(path).names)
        return names <= set(pd.read_csv(path, nrows=0).columns)
    except (ValueError, OSError):
        return False


def _csv_parts(path: Path, separator: str) -> Iterator[pd.DataFrame]:
    import pandas as pd

    try:
        with pd.read_csv(path, sep=separator, chunksize=ROWS_AT_ONCE, low_memory=False) as parts:
            yield from parts
    except (ValueError, OSError, EOFError) as error:
        raise _unreadable(path, error) from error


def _parquet_parts(path: Path) -> Parts:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(path, error) from error
    parts = (batch.to_pandas() for batch in file.iter_batches(ROWS_AT_ONCE))
    return Parts(file.metadata.num_rows, parts)


def _csv_writer(path: Path, stack: ExitStack) -> Callable[[pd.DataFrame], None]:
    import gzip

    packed = path.name.endswith(".gz")
    opened: Any = gzip.open if packed else open
    file = stack.enter_context(opened(path, "wt", encoding="utf-8", newline=""))

    def write(part: pd.DataFrame) -> None:
        part.to_csv(file, index=False, header=file.tell() == 0)

    return write


def _parquet_writer(path: Path, stack: ExitStack) -> Callable[[pd.DataFrame], None]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    writers: list[pq.ParquetWriter] = []

    def write(part: pd.DataFrame) -> None:
        table = pa.Table.from_pandas(part, preserve_index=False)
        if not writers:
            writers.append(stack.enter_context(pq.ParquetWriter(path, table.schema)))
        writers[0].write_table(table.cast(writers[0].schema))

    return write


def _categories(values: pd.Series[Any]) -> Column:
    return np.array([category_text(value) for value in values.tolist()], dtype=object)


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"file {path}", expected="CSV or Parquet", got=str(error).splitlines()[0])

"""Rows of a Parquet file, by row groups."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from estate.core.errors import ImportFileError
from estate.datasets.rows import Chunk

PARQUET = b"PAR1"


class ParquetRows:
    """A Parquet file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ImportFileError
        If the file is damaged.
    """

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path = path
        try:
            with pq.ParquetFile(path) as file:
                self._columns = tuple(file.schema_arrow.names)
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from error

    @property
    def columns(self) -> tuple[str, ...]:
        """Names in the schema."""
        return self._columns

    def chunks(self, wanted: Sequence[str], skip: int, size: int) -> Iterator[Chunk]:
        """Yield the rows after the first ``skip`` ones; see :class:`~.rows.RawTable`."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self._path) as file:
                done, total = 0, max(file.metadata.num_rows, 1)
                for group in range(file.num_row_groups):
                    rows = file.metadata.row_group(group).num_rows
                    if done + rows <= skip:
                        done += rows
                        continue
                    for batch in file.iter_batches(size, row_groups=[group]):
                        fresh = batch.slice(max(skip - done, 0))
                        done += batch.num_rows
                        if fresh.num_rows:
                            yield _chunk(fresh, wanted, done, total)
        except (pa.ArrowException, OSError) as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> ImportFileError:
        first = (str(error).splitlines() or ["none"])[0]
        return ImportFileError(f"file {self._path}", expected="a whole Parquet file", got=first)


def _chunk(batch: Any, wanted: Sequence[str], done: int, total: int) -> Chunk:
    def raw(row: int) -> str:
        return json.dumps(batch.slice(row, 1).to_pylist()[0], default=str, ensure_ascii=False)

    columns = {name: _series(batch.column(name)) for name in wanted}
    first = done - batch.num_rows + 1
    return Chunk(range(first, done + 1), columns, {}, raw, done / total)


def _series(values: Any) -> Any:
    """Whole numbers become text here: as floats, long ids with gaps would lose digits."""
    import pyarrow as pa

    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_integer(values.type):
        values = values.cast(pa.string())
    if pa.types.is_date(values.type):
        values = values.cast(pa.timestamp("us"))
    if pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
    return values.to_pandas()

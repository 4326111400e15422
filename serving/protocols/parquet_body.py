"""The rows of a Parquet body: kept in a file first, for its end says where everything is.

A page says how long it is unpacked, and other parts of the file may lie about it: so every page that will be
read is looked at before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from tempfile import TemporaryFile
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool

from estate.core.errors import DataError
from serving.batch.thrift import Struct, read_struct_at
from serving.problems import Problem
from serving.protocols.columns import Columns

MOST_ROWS = 100_000_000
MOST_FOOTER_BYTES = 16 << 20
_PAGE_HEAD_BYTES = 1 << 16
_SPREADS = 7  # DELTA_BYTE_ARRAY: a few bytes can stand for any number of long texts
_BROKEN = (
    *(pa.ArrowException, OSError, ValueError, MemoryError),
    *(LookupError, TypeError, AttributeError, RecursionError),  # of the head of a page that is none
)
_HEADS = {5: 2, 7: 2, 8: 4}  # where a page of data, of a dictionary, of data (2) names its encoding


async def parquet_batches(
    parts: AsyncIterator[bytes], columns: Columns, most_bytes: int, most_page_bytes: int, rows: int
) -> AsyncIterator[Any]:
    """Yield record batches of at most so many rows.

    Raises
    ------
    Problem
        400 if it is no Parquet, 413 if it, or a page of it, is too large.
    DataError
        If columns are absent or of a wrong type.
    """
    with TemporaryFile() as file:
        await _keep(parts, file, most_bytes)
        try:
            opened = await run_in_threadpool(_open, file, columns, most_page_bytes)
            # Threads of its own would read all columns at once.
            there = [name for name in opened.schema_arrow.names if name in columns.wanted]
            found = opened.iter_batches(rows, columns=there, use_threads=False)
            async for batch in iterate_in_threadpool(found):
                await run_in_threadpool(batch.validate, full=True)
                yield batch
        except _BROKEN as error:
            raise _broken(str(error)[:200]) from error


async def _keep(parts: AsyncIterator[bytes], file: IO[bytes], most_bytes: int) -> None:
    length = 0
    async for part in parts:
        length += len(part)
        if length > most_bytes:
            todo = "Send it as an Arrow stream, which may be of any length."
            raise Problem(
                413, DataError("body", expected=f"at most {most_bytes} bytes", got="more", todo=todo)
            )
        file.write(part)
    file.flush()


def _open(file: IO[bytes], columns: Columns, most_page_bytes: int) -> Any:
    size = file.seek(0, 2)
    file.seek(max(0, size - 8))
    end = file.read()
    if size < 12 or end[4:] != b"PAR1" or int.from_bytes(end[:4], "little") > MOST_FOOTER_BYTES:
        raise _broken("no footer, or a huge one")
    opened = _file(file, [])
    columns.check(opened.schema_arrow)
    if opened.metadata.num_rows > MOST_ROWS:
        got = f"{opened.metadata.num_rows:,}"
        raise Problem(413, DataError("body, rows", expected=f"at most {MOST_ROWS:,}", got=got))
    for chunk in _chunks(opened, columns):
        _check_pages(file, size, chunk, most_page_bytes)
    texts = [f.name for f in opened.schema_arrow if f.name in columns.wanted and _is_text(f.type)]
    return _file(file, texts)  # texts stay in their dictionary: spread out they could be of any size


def _file(file: IO[bytes], texts: list[str]) -> Any:
    file.seek(0)
    return pq.ParquetFile(
        file, pre_buffer=False, buffer_size=1 << 20, read_dictionary=texts, arrow_extensions_enabled=False
    )


def _chunks(opened: Any, columns: Columns) -> Iterator[Any]:
    metadata = opened.metadata
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(place)
            if chunk.path_in_schema in columns.wanted:
                yield chunk


def _check_pages(file: IO[bytes], size: int, chunk: Any, most_bytes: int) -> None:
    starts = [chunk.data_page_offset]
    if chunk.has_dictionary_page:
        starts.append(chunk.dictionary_page_offset)
    at = min(start for start in starts if start > 0)
    end = at + chunk.total_compressed_size
    if not at < end <= size:
        raise _broken(f"a column `{chunk.path_in_schema[:80]}` outside of the file")
    while at < end:
        file.seek(at)
        page, taken = read_struct_at(file.read(_PAGE_HEAD_BYTES))
        unpacked, packed = page[2][1], page[3][1]
        if packed < 0 or not 0 <= unpacked <= most_bytes:
            todo = "Write smaller pages."
            raise Problem(
                413, DataError("page", expected=f"at most {most_bytes} bytes", got=str(unpacked), todo=todo)
            )
        if _encoding(page) == _SPREADS:
            expected, got = "a plain or dictionary encoding", "DELTA_BYTE_ARRAY"
            raise DataError(f"column `{chunk.path_in_schema[:80]}`", expected=expected, got=got)
        at += taken + packed


def _encoding(page: Struct) -> int | None:
    for place, field in _HEADS.items():
        if place in page:
            found: int = page[place][1].get(field, (0, 0))[1]
            return found
    return None


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _broken(got: str) -> Problem:
    return Problem(400, DataError("body", expected="a Parquet file", got=got))

"""Rows that were put aside, with the reasons, as CSV."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from serving.batch.csv_source import CsvSource
from serving.batch.scorer import Scored
from serving.batch.source import Source
from serving.batch.target import CsvTarget

_ABOUT = ("bad_file", "bad_row", "bad_column", "bad_reason", "bad_line")
_LINES = CsvTarget(packed=False)


def bad_path(target: Path) -> Path:
    """Return where the rows of a target's source are put that can't be read.

    Examples
    --------
    >>> bad_path(Path("scored.csv.gz")).name
    'scored.bad.csv'
    """
    return target.with_name(f"{target.name.removesuffix('.gz').rpartition('.')[0]}.bad.csv")


def head(source: Source) -> bytes:
    """Return the line of names: why, then the source's columns."""
    return _LINES.head(pa.schema([(name, pa.string()) for name in (*_ABOUT, *source.schema.names)]))


def lines(source: Source, scored: Scored) -> bytes:
    """Return the lines of a chunk's bad rows."""
    if not scored.wrong:
        return b""
    places = [source.place(scored.first_row + row) for row in sorted(scored.wrong)]
    reasons = [scored.wrong[row] for row in sorted(scored.wrong)]
    about = {
        "bad_file": [place[0].removeprefix("file ") for place in places],
        "bad_row": [place[1] for place in places],
        "bad_column": [column for column, _ in reasons],
        "bad_reason": [f"expected a number, got {text!r}" for _, text in reasons],
        "bad_line": pa.nulls(len(places), pa.string()),
    }
    arrays = [*(pa.array(values) for values in about.values()), *scored.bad.columns]
    batch = pa.RecordBatch.from_arrays(arrays, names=[*about, *scored.bad.schema.names])
    return bytes(_LINES.encode(batch)[0])


def malformed(source: Source) -> tuple[int, bytes]:
    """Return how many lines of a CSV file are none, and lines about them."""
    if not isinstance(source, CsvSource) or not source.malformed:
        return 0, b""
    found = sorted(source.malformed.items())
    about = {
        "bad_file": [str(source.path)] * len(found),
        "bad_row": [row for row, _ in found],
        "bad_column": pa.nulls(len(found), pa.string()),
        "bad_reason": [reason for _, (_, reason) in found],
        "bad_line": [text for _, (text, _) in found],
    }
    empty = [pa.nulls(len(found), pa.string()) for _ in source.names]
    batch = pa.RecordBatch.from_arrays(
        [*(pa.array(values) for values in about.values()), *empty], names=[*about, *source.names]
    )
    return len(found), bytes(_LINES.encode(batch)[0])

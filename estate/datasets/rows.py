"""Raw rows of a file, in chunks: what the two kinds of files have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

LONGEST_FIELD = 1 << 26
"""Characters of one CSV field; more means that a quote was never closed. The csv module has one for all."""

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file.

    Parameters
    ----------
    lines : sequence of int
        Number of each row for a person: its first line in a CSV file, its number in a Parquet file; from 1.
    columns : mapping of str to Series
        By the file's names; indexed by position in the chunk. Unreadable rows are left out.
    unreadable : mapping of int to str
        By position, why a row has no values.
    raw : callable
        From a position to the row as it stands in the file.
    share : float
        How much of the file is read with this chunk; in [0, 1].
    """

    lines: Sequence[int]
    columns: Mapping[str, pd.Series]
    unreadable: Mapping[int, str]
    raw: Callable[[int], str]
    share: float


class RawTable(Protocol):
    """A file of rows."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names in the file."""
        ...

    def chunks(self, wanted: Sequence[str], skip: int, size: int) -> Iterator[Chunk]:
        """Yield the rows after the first ``skip`` ones, at most ``size`` at a time.

        Raises
        ------
        ImportFileError
            If the file can't be read any further.
        """
        ...

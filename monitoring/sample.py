"""Any number of rows in memory that does not grow: every row is counted, a uniform sample of them is kept.

Each row draws a number; the rows with the smallest numbers are the sample. That needs one pass, gives
each row the same chance, and the same rows in the same order give the same sample, however they are
cut into parts.

References
----------
.. [1] J. S. Vitter, "Random sampling with a reservoir", ACM Transactions on Mathematical Software 11, 1985.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Column, Frame, Numbers
from estate.store.watched_rows import RowsPart, Values
from monitoring.drift import Sample
from monitoring.limits import known_of
from monitoring.tally import Tally
from monitoring.window import Window

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE_ROWS = 20_000
"""A share of so many rows is off by at most 0.01 (95 %)."""
SCORE = "__score"


@dataclass(frozen=True)
class _Kept:
    keys: Numbers
    columns: Mapping[str, Column]

    def take(self, index: NDArray[np.bool_]) -> _Kept:
        return _Kept(self.keys[index], {name: values[index] for name, values in self.columns.items()})


class WindowSampler:
    """Rows in, a window out.

    Parameters
    ----------
    reference : Sample
        Its features are the columns that are looked for.
    most : int
        Rows that are kept.
    seed : int
    """

    def __init__(self, reference: Sample, *, most: int = SAMPLE_ROWS, seed: int = 0) -> None:
        self.tallies = {name: Tally(known) for name, known in known_of(reference).items()}
        self.most = most
        self.seen = 0
        self._random = np.random.default_rng(seed)
        self._parts: list[_Kept] = []
        self._held = 0
        self._below = np.inf
        self._fingerprints: Counter[str] = Counter()
        self._first: datetime | None = None
        self._last: datetime | None = None

    def add(self, part: RowsPart) -> None:
        """Count a part's rows, and keep those that belong to the sample so far."""
        self.add_columns(part.features, part.scores)
        self._fingerprints.update(part.fingerprints)
        if part.at:
            first, last = min(part.at), max(part.at)
            self._first = first if self._first is None else min(self._first, first)
            self._last = last if self._last is None else max(self._last, last)

    def add_columns(self, features: Mapping[str, Values], scores: Numbers) -> None:
        """Count and sample rows of which nothing else is known."""
        rows = len(scores)
        self.seen += rows
        columns = {name: tally.add(features.get(name), rows) for name, tally in self.tallies.items()}
        keys = self._random.random(rows)
        drawn = keys < self._below
        if drawn.any():
            kept = _Kept(keys, {**columns, SCORE: scores}).take(drawn)
            self._parts.append(kept)
            self._held += len(kept.keys)
        if self._held > 2 * self.most:
            self._shrink()

    def window(self) -> Window:
        """Return what was seen."""
        self._shrink()
        columns = dict(self._parts[0].columns) if self._parts else _nothing(self.tallies)
        scores = columns.pop(SCORE)
        return Window(
            Frame(columns, len(scores)),
            scores,
            dict(self._fingerprints),
            self._first,
            self._last,
            self.seen,
            self.tallies,
        )

    def _shrink(self) -> None:
        if not self._parts:
            return
        keys = np.concatenate([part.keys for part in self._parts])
        names = self._parts[0].columns
        columns = {name: np.concatenate([part.columns[name] for part in self._parts]) for name in names}
        whole = _Kept(keys, columns)
        if len(keys) > self.most:
            self._below = float(np.partition(keys, self.most)[self.most])
            whole = whole.take(keys < self._below)
        self._parts, self._held = [whole], len(whole.keys)


def _nothing(tallies: Mapping[str, Tally]) -> dict[str, Column]:
    empty = {
        name: np.empty(0) if t.known.number else np.empty(0, dtype=object) for name, t in tallies.items()
    }
    return {**empty, SCORE: np.empty(0)}


def window_of_parts(parts: Iterable[RowsPart], reference: Sample, *, most: int = SAMPLE_ROWS) -> Window:
    """Count and sample predictions part by part.

    Examples
    --------
    >>> from monitoring.window import NO_ROWS
    >>> window_of_parts([], NO_ROWS).rows
    0
    """
    sampler = WindowSampler(reference, most=most)
    for part in parts:
        sampler.add(part)
    return sampler.window()


def window_of_arrow(
    batches: Iterable[pa.RecordBatch], reference: Sample, *, score: str = SCORE, most: int = SAMPLE_ROWS
) -> Window:
    """Count and sample the rows of record batches, such as ``ParquetFile.iter_batches`` gives.

    Parameters
    ----------
    score : str
        Column with what the model answered.
    """
    sampler = WindowSampler(reference, most=most)
    for batch in batches:
        columns = dict(_values(batch, [*sampler.tallies, score]))
        sampler.add_columns(columns, np.asarray(columns[score], dtype=np.float64))
    return sampler.window()


def _values(batch: pa.RecordBatch, names: Sequence[str]) -> Iterator[tuple[str, Values]]:
    from pyarrow import types

    for name in names:
        if name not in batch.schema.names:
            continue
        column = batch.column(name)
        if types.is_floating(column.type) or types.is_integer(column.type):
            yield name, column.to_numpy(zero_copy_only=False)
        else:
            yield name, column.to_pylist()

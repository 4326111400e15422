"""Rows of many records, put together by their origin as they are read: most records hold a row or two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain

import msgspec
import numpy as np

from estate.store.prediction_rows import PredictionRows
from estate.store.prediction_writer import KeptRows
from serving.journal.contexts import PREDICTIONS, Context, Predicted
from serving.journal.decoding import rows_of
from serving.journal.encoding import BY_COLUMN, HEAD, MIXED


@dataclass
class _Plain:
    """Parts of records of one origin without texts and labels, as they lie there."""

    context: Predicted
    counts: list[int] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
    scores: list[bytes] = field(default_factory=list)
    numbers: list[bytes] = field(default_factory=list)
    entities: list[list[str | None] | None] = field(default_factory=list)

    def rows(self) -> PredictionRows:
        scores = np.frombuffer(b"".join(self.scores), np.float64)
        numbers = np.frombuffer(b"".join(self.numbers), np.float64)
        named = any(entities is not None for entities in self.entities)
        return PredictionRows(
            self.context.origin,
            b"".join(self.ids),
            np.repeat(np.array(self.at, dtype=np.int64), self.counts),
            scores,
            numbers.reshape(len(scores), len(self.context.numbers)),
            entities=self._entities() if named else None,
        )

    def _entities(self) -> list[str | None]:
        filled = zip(self.entities, self.counts, strict=True)
        return list(chain.from_iterable([None] * n if some is None else some for some, n in filled))


class Gathering:
    """Takes records one after the other.

    Parameters
    ----------
    contexts : mapping
        May grow meanwhile.
    """

    def __init__(self, contexts: Mapping[int, Context]) -> None:
        self._contexts = contexts
        self._plain: dict[int, _Plain] = {}
        self._others: list[KeptRows] = []
        self.count = 0

    def add(self, record: bytes) -> None:
        """Take a record.

        Raises
        ------
        Unreadable, msgspec.MsgspecError
            If it is none that is known.
        """
        if not self._added(record):
            rows = rows_of(record, self._contexts)
            self._others.extend(rows)
            self.count += sum(map(len, rows))

    def rows(self) -> list[KeptRows]:
        """Return all rows that were taken."""
        return [*(plain.rows() for plain in self._plain.values()), *self._others]

    def _added(self, record: bytes) -> bool:
        """Take a record if it is a plain one."""
        if len(record) < HEAD.size:
            return False
        kind, flags, count, at, key, _ = HEAD.unpack_from(record)
        context = self._contexts.get(key)
        by_column = flags & BY_COLUMN and count > 1
        if kind != PREDICTIONS or flags & MIXED or by_column or not isinstance(context, Predicted):
            return False
        ids = HEAD.size + 16 * count
        scores, end = ids + 8 * count, ids + 8 * count * (1 + len(context.numbers))
        if end > len(record) or context.texts:
            return False
        entities = None
        if end < len(record):
            entities, labels, _ = msgspec.msgpack.decode(record[end:])
            if labels is not None:
                return False
        plain = self._plain.get(key)
        if plain is None:
            plain = self._plain[key] = _Plain(context)
        plain.counts.append(count)
        plain.at.append(at)
        plain.ids.append(record[HEAD.size : ids])
        plain.scores.append(record[ids:scores])
        plain.numbers.append(record[scores:end])
        plain.entities.append(entities)
        self.count += count
        return True

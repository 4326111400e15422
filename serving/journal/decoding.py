"""From a record to the rows that the table takes."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from estate.core.frame import Numbers, category_text
from estate.store.prediction_rows import PredictionRows
from estate.store.prediction_writer import KeptRows
from estate.store.shadow_rows import ShadowRows
from serving.journal.contexts import PREDICTIONS, SHADOW, Compared, Context, Predicted
from serving.journal.encoding import BY_COLUMN, HEAD, MIXED

Contexts = Mapping[int, Context]


class Unreadable(Exception):
    """A record whose checksum is right and whose content is none that is known."""


def rows_of(record: bytes, contexts: Contexts) -> list[KeptRows]:
    """Return what a record holds, a group for each origin.

    Raises
    ------
    Unreadable
        If the record is of another kind, too short, or its context is not known.
    """
    try:
        kind, flags, count, at, key, other = HEAD.unpack_from(record)
        moments = np.full(count, at, dtype=np.int64)
        ids, start = record[HEAD.size : HEAD.size + 16 * count], HEAD.size + 16 * count
        match kind, contexts[key]:
            case (kind, Predicted() as context) if kind == PREDICTIONS:
                rows, mask = _predictions(record, start, context, flags, ids=ids, at=moments)
                return [rows] if mask is None else _split(rows, mask, contexts[other])
            case (kind, Compared() as pair) if kind == SHADOW:
                stable = np.frombuffer(record, np.float64, count, start)
                candidate = np.frombuffer(record, np.float64, count, start + 8 * count)
                entities = _rest(record[start + 16 * count :])[0]
                return [ShadowRows(pair.pair, ids, moments, stable, candidate, entities)]
            case _:
                raise Unreadable(f"kind {kind}")
    except (
        struct.error,
        KeyError,
        ValueError,
        IndexError,
        AttributeError,
        TypeError,
        msgspec.MsgspecError,
    ) as error:
        raise Unreadable(type(error).__name__) from error


def _predictions(  # noqa: PLR0913 - what the head says
    record: bytes, start: int, context: Predicted, flags: int, *, ids: bytes, at: Any
) -> tuple[PredictionRows, Any]:
    count, width = len(at), len(context.numbers)
    scores = np.frombuffer(record, np.float64, count, start)
    start += 8 * count
    numbers = np.frombuffer(record, np.float64, count * width, start)
    start += 8 * count * width
    mask = None
    if flags & MIXED:
        mask = np.frombuffer(record, np.bool_, count, start)
        start += count
    entities, labels, words = _rest(record[start:])
    texts = [[category_text(value) for value in column] for column in words or ()]
    matrix = _matrix(numbers, count, width, by_column=bool(flags & BY_COLUMN))
    return PredictionRows(context.origin, ids, at, scores, matrix, texts, entities, labels), mask


def _matrix(numbers: Numbers, count: int, width: int, *, by_column: bool) -> Numbers:
    return numbers.reshape(width, count).T if by_column else numbers.reshape(count, width)


def _rest(content: bytes) -> Sequence[Any]:
    return msgspec.msgpack.decode(content) if content else (None, None, None)


def _split(rows: PredictionRows, mask: Any, other: Context) -> list[KeptRows]:
    if not isinstance(other, Predicted):
        raise Unreadable("second context")
    new = rows.take(np.flatnonzero(mask).tolist())
    moved = PredictionRows(
        other.origin, new.ids, new.at, new.scores, new.numbers, new.texts, new.entities, new.labels
    )
    return [rows.take(np.flatnonzero(~mask).tolist()), moved]

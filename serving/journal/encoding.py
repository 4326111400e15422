"""From the answers of a micro-batch to one record: a few copies of memory, no object a row, no JSON."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from estate.core.frame import Column, Frame
from serving.journal.contexts import PREDICTIONS, SHADOW, Compared, Predicted, written

if TYPE_CHECKING:
    from serving.prediction_log import AnsweredRows

BY_COLUMN, MIXED = 1, 2
"""Flags: numbers lie column by column; some rows have the second context."""
HEAD = struct.Struct("<BBxxIqQQ")
"""Kind, flags, rows, microseconds since 1970, key of the context, key of the second one or 0."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encoder = msgspec.msgpack.Encoder(enc_hook=str)  # a category of a user's own feature may be any object


class Record(NamedTuple):
    """A record that is ready to be written.

    Parameters
    ----------
    rows : int
    content : bytes
    contexts : tuple of (int, bytes)
        Keys and records of what must be in the segment before it.
    """

    rows: int
    content: bytes
    contexts: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True)
class ComparedRows:
    """What two versions said of the same rows.

    Parameters
    ----------
    model, version, stable_version : str
    ids : sequence of str
        UUIDs of the predictions that were answered.
    entities : sequence of (str or None)
    stable, candidate : float64 array of shape (n,)
    at : datetime
    """

    model: str
    version: str
    stable_version: str
    ids: Sequence[str]
    entities: Sequence[str | None]
    stable: Column
    candidate: Column
    at: datetime


def predictions(rows: AnsweredRows) -> Record:
    """Return the record of some answers."""
    frame, scores, count = rows.features, rows.scores, len(rows.ids)
    numbers, texts, flags, values = _features(frame)
    context = _context(rows.model, scores.version, scores.answered_by.value, rows.fingerprint, numbers, texts)
    other, mask = _other(rows, numbers, texts)
    words = [frame.columns[name].tolist() for name in texts] if texts else None
    content = b"".join(
        (
            HEAD.pack(
                PREDICTIONS,
                flags | (MIXED if other else 0),
                count,
                _microseconds(rows.at),
                context[0],
                other[0] if other else 0,
            ),
            _packed(rows.ids),
            scores.score.astype(np.float64, copy=False).tobytes(),
            values,
            mask,
            _rest(rows.entities, _labels(rows), words),
        )
    )
    return Record(count, content, (context, other) if other else (context,))


def pairs(rows: ComparedRows) -> Record:
    """Return the record of some pairs."""
    context = written(Compared(rows.model, rows.version, rows.stable_version))
    content = b"".join(
        (
            HEAD.pack(SHADOW, 0, len(rows.ids), _microseconds(rows.at), context[0], 0),
            _packed(rows.ids),
            np.asarray(rows.stable, np.float64).tobytes(),
            np.asarray(rows.candidate, np.float64).tobytes(),
            _rest(rows.entities, None, None),
        )
    )
    return Record(len(rows.ids), content, (context,))


@lru_cache(maxsize=1024)
def _context(  # noqa: PLR0913, PLR0917 - the fields of a context, without the cost of making one each time
    model: str,
    version: str,
    answered_by: str,
    fingerprint: str,
    numbers: tuple[str, ...],
    texts: tuple[str, ...],
) -> tuple[int, bytes]:
    return written(Predicted(model, version, answered_by, fingerprint, numbers, texts))


def _other(
    rows: AnsweredRows, numbers: tuple[str, ...], texts: tuple[str, ...]
) -> tuple[tuple[int, bytes] | None, bytes]:
    """Return the context of the rows that a version in a rollout answered, and which rows these are."""
    new = getattr(rows.scores, "new", None)
    if new is None:
        return None, b""
    version, by = rows.scores.new_origin  # type: ignore[attr-defined]
    return _context(rows.model, version, by.value, rows.fingerprint, numbers, texts), new.tobytes()


def _features(frame: Frame) -> tuple[tuple[str, ...], tuple[str, ...], int, bytes]:
    """Return names of numbers and of texts, flags, and the numbers' bytes."""
    columns, block = frame.columns, frame.block
    if block is not None:
        texts = () if len(block.names) == len(columns) else _texts(columns)
        return block.names, texts, 0, block.values.tobytes()
    texts = _texts(columns)
    numbers = tuple(columns) if not texts else tuple([name for name in columns if name not in texts])
    return numbers, texts, BY_COLUMN, b"".join([_doubles(columns[name]) for name in numbers])


def _texts(columns: object) -> tuple[str, ...]:
    return tuple([name for name, values in columns.items() if values.dtype.char == "O"])  # type: ignore[attr-defined]


def _doubles(values: Column) -> bytes:
    return values.tobytes() if values.dtype.char == "d" else values.astype(np.float64).tobytes()


def _labels(rows: AnsweredRows) -> list[str | None] | None:
    scores = rows.scores
    if scores.probabilities is None and not getattr(scores, "texts", ()):
        return None
    labels = scores.labels()
    return labels if any(labels) else None


def _rest(
    entities: Sequence[str | None], labels: list[str | None] | None, words: list[list[str | None]] | None
) -> bytes:
    """Return what is not of one length; empty where there is nothing."""
    named = list(entities) if any(entities) else None
    if named is None and labels is None and words is None:
        return b""
    return _encoder.encode((named, labels, words))


def _packed(ids: Sequence[str]) -> bytes:
    return bytes.fromhex("".join(ids).replace("-", ""))


def _microseconds(at: datetime) -> int:
    passed = at - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds

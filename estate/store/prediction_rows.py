"""Predictions on their way into the table, a column at a time: no object a row."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers, category_text
from estate.core.prediction import AnsweredBy, Prediction
from estate.store import copy_format as copy

Texts = Sequence[str | None]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Layout:
    """Names of the features that predictions have, in the order of their values.

    Parameters
    ----------
    numbers, texts : tuple of str
    """

    numbers: tuple[str, ...]
    texts: tuple[str, ...] = ()

    @property
    def key(self) -> int:
        """A hash of the names, 64 bits with sign: the layout's key in the database."""
        named = "\0".join(self.numbers) + "\1" + "\0".join(self.texts)
        digest = blake2b(named.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, signed=True)


@dataclass(frozen=True)
class Origin:
    """What many predictions have in common."""

    model: str
    version: str
    answered_by: str
    fingerprint: str
    layout: Layout


@dataclass(frozen=True)
class PredictionRows:
    """Predictions of one origin.

    Parameters
    ----------
    origin : Origin
    ids : bytes
        16 bytes each.
    at : int64 array of shape (n,)
        Microseconds since 1970.
    scores : float64 array of shape (n,)
    numbers : float64 array of shape (n, numbers of the layout)
        NaN is missing.
    texts : sequence of sequence of (str or None)
        A sequence for each text of the layout, each of n values.
    entities, labels : sequence of (str or None), optional
        None where no row has any.
    """

    origin: Origin
    ids: bytes
    at: NDArray[np.int64]
    scores: Numbers
    numbers: Numbers
    texts: Sequence[Texts] = ()
    entities: Texts | None = None
    labels: Texts | None = None

    TABLE = "predictions"
    COLUMNS = (
        *("model", "version", "answered_by", "fingerprint", "layout", "prediction_id", "score", "at"),
        *("numbers", "entity_id", "label", "texts"),
    )

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, chosen: Sequence[int]) -> PredictionRows:
        """Return the rows at these positions."""
        index = np.asarray(chosen, dtype=np.intp)
        return replace(
            self,
            ids=b"".join(self.ids[16 * i : 16 * i + 16] for i in chosen),
            at=self.at[index],
            scores=self.scores[index],
            numbers=self.numbers[index],
            texts=[[column[i] for i in chosen] for column in self.texts],
            entities=None if self.entities is None else [self.entities[i] for i in chosen],
            labels=None if self.labels is None else [self.labels[i] for i in chosen],
        )

    def names(self) -> list[str]:
        """Return the predictions' ids as text."""
        return uuids_of(self.ids)

    def copied(self) -> bytes:
        """Return the rows as COPY in binary form takes them, in the order of ``COLUMNS``."""
        origin, count = self.origin, len(self)
        common = (origin.model, origin.version, origin.answered_by, origin.fingerprint)
        fixed = [
            copy.columns(len(self.COLUMNS)),
            copy.raw("common", b"".join(map(copy.constant, common)) + copy.long(origin.layout.key)),
            *copy.uuids(self.ids),
            *copy.floats("score", self.scores),
            *copy.moments(self.at),
            *copy.float_arrays(self.numbers),
        ]
        if self.entities is None and self.labels is None and not self.texts:
            return copy.rows(count, [*fixed, copy.raw("none", copy.constant(None) * 3)])
        texts = [
            copy.nulls(count) if self.entities is None else copy.text_fields(self.entities),
            copy.nulls(count) if self.labels is None else copy.text_fields(self.labels),
            copy.text_arrays(self.texts) if self.texts else copy.nulls(count),
        ]
        return copy.rows(count, fixed, texts)

    def predictions(self) -> list[Prediction]:
        """Return one prediction a row."""
        o, none = self.origin, [None] * len(self)
        cells = zip(
            self.names(),
            self.entities or none,
            self.scores.tolist(),
            self.labels or none,
            self._features(),
            self.at.tolist(),
            strict=True,
        )
        by = AnsweredBy(o.answered_by)
        return [
            Prediction(i, o.model, o.version, by, entity, score, label, features, o.fingerprint, moment(at))
            for i, entity, score, label, features, at in cells
        ]

    def _features(self) -> Iterator[dict[str, float | str | None]]:
        layout = self.origin.layout
        texts = zip(*self.texts, strict=True) if self.texts else iter([()] * len(self))
        for numbers, words in zip(self.numbers.tolist(), texts, strict=True):
            yield features_of(layout, numbers, words)


def features_of(
    layout: Layout, numbers: Sequence[float], texts: Sequence[str | None]
) -> dict[str, float | str | None]:
    """Return what a model read of one case; a number that is missing is None."""
    known = (None if value != value else value for value in numbers)  # noqa: PLR0124
    return {
        **dict(zip(layout.numbers, known, strict=True)),
        **dict(zip(layout.texts, texts, strict=True)),
    }


def rows_of(predictions: Sequence[Prediction]) -> list[PredictionRows]:
    """Return predictions by their origins; a feature is a text if it is one in any of them."""
    texts = {n for row in predictions for n, value in row.features.items() if isinstance(value, str)}
    groups: dict[Origin, list[Prediction]] = {}
    for row in predictions:
        groups.setdefault(_origin(row, texts), []).append(row)
    return [_rows(origin, rows) for origin, rows in groups.items()]


def _origin(row: Prediction, texts: set[str]) -> Origin:
    layout = Layout(
        tuple(name for name in row.features if name not in texts),
        tuple(name for name in row.features if name in texts),
    )
    return Origin(row.model, row.version, row.answered_by.value, row.fingerprint, layout)


def _rows(origin: Origin, rows: Sequence[Prediction]) -> PredictionRows:
    layout = origin.layout
    numbers = [[row.features[name] for name in layout.numbers] for row in rows]
    return PredictionRows(
        origin,
        b"".join(uuid.UUID(row.prediction_id).bytes for row in rows),
        np.array([microseconds(row.at) for row in rows], dtype=np.int64),
        np.array([row.score for row in rows], dtype=np.float64),
        np.array(numbers, dtype=np.float64).reshape(len(rows), len(layout.numbers)),
        [[category_text(row.features[name]) for row in rows] for name in layout.texts],
        [row.entity_id for row in rows],
        [row.label for row in rows],
    )


def uuids_of(ids: bytes) -> list[str]:
    """Return ids of 16 bytes as text."""
    return [str(uuid.UUID(bytes=ids[at : at + 16])) for at in range(0, len(ids), 16)]


def microseconds(at: datetime) -> int:
    """Return a moment as whole microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """Return microseconds since 1970 as a moment."""
    return _EPOCH + timedelta(microseconds=at)

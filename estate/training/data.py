"""Rows to learn from, in order of time."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Column, Frame, Numbers

NO_COLUMNS = Frame({}, 0)


@dataclass(frozen=True)
class TrainingData:
    """n ripe rows with their labels.

    Parameters
    ----------
    features : Frame
        n rows, oldest first.
    y : float64 array of shape (n,)
        0 or 1; the position of the class in ``classes``; or the value.
    classes : tuple of str
        Of a multiclass label; else empty.
    entities : object array of shape (n,)
    times : int64 array of shape (n,)
        Microseconds since 1970, or positions where the source has no time.
    candidates : int
        Rows that were old enough to be scored, ripe or not; ``n / candidates`` is the mature share.
    inputs : tuple of str
        Raw columns that a request must bring; the features themselves for models of histories.
    raw : Frame
        Those raw columns, n rows.
    protected : Frame
        The raw columns that the spec's gate protects, n rows; no model reads them.
    uses : int64 array of shape (n,), optional
        By how many earlier gates each row was judged on; None: not counted.
    """

    features: Frame
    y: Numbers
    classes: tuple[str, ...]
    entities: Column
    times: NDArray[np.int64]
    candidates: int
    inputs: tuple[str, ...]
    raw: Frame
    protected: Frame = NO_COLUMNS
    uses: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def mature_share(self) -> float:
        """Share of the candidates that have a label, in [0, 1]."""
        return len(self) / self.candidates if self.candidates else 0.0

    @property
    def fingerprint(self) -> str:
        """SHA-256 over every value, label, id and time, those of protected columns too."""
        return fingerprint_of(self.features, self.protected, self.y, self.times, self.entities)

    def take(self, index: NDArray[np.intp]) -> TrainingData:
        """Return some of the rows."""
        return TrainingData(
            self.features.take(index),
            self.y[index],
            self.classes,
            self.entities[index],
            self.times[index],
            self.candidates,
            self.inputs,
            self.raw.take(index),
            self.protected.take(index),
            None if self.uses is None else self.uses[index],
        )

    def followed_by(self, later: TrainingData) -> TrainingData:
        """Return these rows and then those of another part of the same data."""
        return TrainingData(
            _joined(self.features, later.features),
            np.concatenate([self.y, later.y]),
            self.classes,
            np.concatenate([self.entities, later.entities]),
            np.concatenate([self.times, later.times]),
            self.candidates,
            self.inputs,
            _joined(self.raw, later.raw),
            _joined(self.protected, later.protected),
        )


def _joined(first: Frame, second: Frame) -> Frame:
    columns = {name: np.concatenate([first[name], second[name]]) for name in first.columns}
    return Frame(columns, len(first) + len(second))


def fingerprint_of(features: Frame, protected: Frame, y: Column, times: Column, entities: Column) -> str:
    """Return the fingerprint of rows: SHA-256, by which their evidence names them."""
    digest = hashlib.sha256()
    for name, values in (*features.columns.items(), *protected.columns.items()):
        digest.update(name.encode())
        digest.update(values.tobytes() if values.dtype != object else "\0".join(map(str, values)).encode())
    digest.update(y.tobytes() + times.tobytes() + "\0".join(map(str, entities)).encode())
    return digest.hexdigest()

"""Rows that were scored before are not scored again: for models that take longer than looking them up."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import msgspec
import numpy as np
from numpy.typing import NDArray

from estate.bundles.encoder import Matrix
from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy, Scores
from estate.core.predictor import Predictor
from serving.caches.memory import MemoryCache


class KeptScore(msgspec.Struct, frozen=True, gc=False):
    """The answer for one row; ``probabilities`` are float64, of multiclass models."""

    score: float
    probabilities: bytes | None
    classes: tuple[str, ...]

    @property
    def size(self) -> int:
        """About how many bytes it takes in memory, with its name and its place in a cache."""
        return 500 + len(self.probabilities or b"")


class Cached:
    """Remembers scores by the version and by all that its model reads of a row.

    Parameters
    ----------
    inner : Predictor
        Whose answer depends on nothing but the encoded row.
    encode : callable
        From features to what the model reads; two rows that are the same there have the same score.
    cache : MemoryCache
        Others may use it too.
    name : str
        What no other version has: the bundle's digest, beside model and version.
    looked_up : callable, optional
        Told of hits and of rows.
    """

    def __init__(
        self,
        inner: Predictor,
        *,
        encode: Callable[[Frame], Matrix],
        cache: MemoryCache[KeptScore],
        name: str,
        looked_up: Callable[[int, int], None] = lambda _hits, _rows: None,
    ) -> None:
        self.inner = inner
        self._encode, self._cache, self._looked_up = encode, cache, looked_up
        self._base = blake2b(f"{name}\0{inner.version}\0".encode(), digest_size=16)

    @property
    def version(self) -> str:
        """Version of the inner predictor."""
        return self.inner.version

    @property
    def answered_by(self) -> AnsweredBy:
        """Who answers inside."""
        return self.inner.answered_by

    def predict_many(self, features: Frame) -> Scores:
        """Score every row; of equal ones only the first, and none that was scored before.

        Raises
        ------
        Exception
            Whatever the inner predictor raises; then nothing is kept.
        """
        names = self._names(features)
        known = {name: kept for name, (kept, _) in self._cache.get_many(dict.fromkeys(names)).items()}
        first: dict[bytes, int] = {}
        for row, name in enumerate(names):
            if name not in known:
                first.setdefault(name, row)
        self._looked_up(sum(name in known for name in names), len(names))
        if len(first) == len(names):
            scores = self.inner.predict_many(features)
            self._cache.put_many(_kept(scores, names))
            return scores
        if first:
            new = _kept(self.inner.predict_many(features.take(_rows(first))), list(first))
            self._cache.put_many(new)
            known.update(new)
        return _scores([known[name] for name in names])

    def _names(self, features: Frame) -> list[bytes]:
        matrix = np.ascontiguousarray(self._encode(features))
        width = matrix.shape[1] * matrix.itemsize
        run = matrix.tobytes()
        names = []
        for start in range(0, len(run), width):
            digest = self._base.copy()
            digest.update(run[start : start + width])
            names.append(digest.digest())
        return names


def uncached(predictor: Predictor) -> Predictor:
    """Return the predictor inside a cache; one without a cache is returned itself."""
    return predictor.inner if isinstance(predictor, Cached) else predictor


def _rows(first: dict[bytes, int]) -> NDArray[np.int64]:
    return np.fromiter(first.values(), dtype=np.int64, count=len(first))


def _kept(scores: Scores, names: list[bytes]) -> dict[bytes, KeptScore]:
    every = scores.probabilities
    return {
        name: KeptScore(score, None if every is None else every[row].tobytes(), scores.classes)
        for row, (name, score) in enumerate(zip(names, scores.score.tolist(), strict=True))
    }


def _scores(kept: list[KeptScore]) -> Scores:
    score = np.array([one.score for one in kept])
    first = kept[0]
    if first.probabilities is None:
        return Scores(score)
    run = b"".join([one.probabilities or b"" for one in kept])
    return Scores(score, np.frombuffer(run).reshape(len(kept), len(first.classes)), first.classes)

"""Bands of scores: what the desk acts on differently, by name."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, FiniteFloat

from estate.bundles.rate import Rate
from estate.core.frame import Numbers

_NAMES = {1: ("all",), 2: ("low", "high"), 3: ("low", "medium", "high")}
_NAMES[5] = ("very low", *_NAMES[3], "very high")


def band_names(count: int) -> tuple[str, ...]:
    """Return the names of so many bands, rising.

    Examples
    --------
    >>> band_names(3), band_names(4)
    (('low', 'medium', 'high'), ('1 of 4', '2 of 4', '3 of 4', '4 of 4'))
    """
    return _NAMES.get(count) or tuple(f"{i + 1} of {count}" for i in range(count))


@dataclass(frozen=True)
class Bands:
    """Where the bands part, and how often a case of each came true.

    Parameters
    ----------
    edges : tuple of float
        Rising; a score that is an edge belongs to the band above it.
    measured : tuple of Rate
        One a band, of the rows that the version was judged on; empty unless binary.

    Examples
    --------
    >>> bands = Bands((0.1, 0.3))
    >>> bands.of(0.1), [bands.names[code] for code in bands.codes(np.array([0.05, 0.1, 0.9]))]
    ('medium', ['low', 'medium', 'high'])
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)

    edges: tuple[FiniteFloat, ...]
    measured: tuple[Rate, ...] = ()

    def __post_init__(self) -> None:
        if not self.edges or any(a >= b for a, b in pairwise(self.edges)):
            raise ValueError("bands need edges, each above the one before")
        if self.measured and len(self.measured) != len(self.edges) + 1:
            raise ValueError(f"{len(self.edges)} edges and {len(self.measured)} measured bands")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the bands, rising."""
        return band_names(len(self.edges) + 1)

    def codes(self, scores: Numbers) -> NDArray[np.intp]:
        """Return the position in ``names`` of the band of each score, shape (n,)."""
        return np.searchsorted(self._edges, scores, side="right")

    def of(self, score: float) -> str:
        """Return the name of one score's band; without numpy, for few rows."""
        return self.names[bisect_right(self.edges, score)]

    @cached_property
    def _edges(self) -> Numbers:
        return np.asarray(self.edges, dtype=np.float64)

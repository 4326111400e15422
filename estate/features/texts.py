"""A column of texts, coded once: features compare numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Categories


@dataclass(frozen=True)
class Coded:
    """A column of texts.

    Parameters
    ----------
    names : mapping of str to int
        The code of each different text, from 0 without a gap.
    codes : int64 array of shape (n,)
        -1 is missing.
    """

    names: dict[str, int]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str | None]) -> Coded:
        """Code texts in the order of their first appearance.

        Examples
        --------
        >>> coded = Coded.of(["visit", None, "call", "visit"])
        >>> coded.codes.tolist(), coded.values.tolist()
        ([0, -1, 1, 0], ['visit', None, 'call', 'visit'])
        """
        names = {text: code for code, text in enumerate(t for t in dict.fromkeys(texts) if t is not None)}
        find: dict[str | None, int] = {None: -1}
        find.update(names.items())
        return cls(names, np.fromiter(map(find.__getitem__, texts), dtype=np.int64, count=len(texts)))

    @property
    def values(self) -> Categories:
        """The texts; None is missing."""
        return np.array([*self.names, None], dtype=object)[self.codes]

    def take(self, order: NDArray[np.int64]) -> Coded:
        """Return the texts at some positions."""
        return Coded(self.names, self.codes[order])

    def among(self, *texts: str) -> NDArray[np.bool_]:
        """Return which are one of the texts."""
        mask = np.zeros(len(self.codes), dtype=np.bool_)
        for text in texts:
            if text in self.names:
                mask |= self.codes == self.names[text]
        return mask

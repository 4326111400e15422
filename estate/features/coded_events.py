"""Events whose texts are coded once: each feature compares numbers, and gets the masks that it would get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Categories, Numbers
from estate.features.events import DAY_US, Events, Mask


@dataclass(frozen=True)
class Coded:
    """A column of texts.

    Parameters
    ----------
    values : object array of shape (events,)
    names : mapping of str to int
        The code of each different text.
    codes : int64 array of shape (events,)
    """

    values: Categories
    names: dict[str, int]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Coded:
        """Code texts; none may be missing.

        Examples
        --------
        >>> Coded.of(["visit", "call", "visit"]).codes.tolist()
        [0, 1, 0]
        """
        names = {text: code for code, text in enumerate(dict.fromkeys(texts))}
        codes = np.fromiter(map(names.__getitem__, texts), dtype=np.int64, count=len(texts))
        return cls(np.array(texts, dtype=object), names, codes)


@dataclass(frozen=True)
class CodedEvents(Events):
    """Events that answer as :class:`Events` do, without going through texts each time.

    Parameters
    ----------
    coded : mapping of str to Coded
        Columns of texts.
    """

    coded: dict[str, Coded] = field(default_factory=dict)

    def is_(self, name: str, *values: str) -> Mask:
        """Return which events have one of the values in a column."""
        column = self.coded.get(name)
        if column is None:
            return super().is_(name, *values)
        mask = np.zeros(len(column.codes), dtype=np.bool_)
        for value in values:
            if value in column.names:
                mask |= column.codes == column.names[value]
        return mask

    def active_days(self, where: Mask) -> Numbers:
        """Count different days, by whole days before ``as_of``, with an event; shape (n,)."""
        lead, day = self.lead[where], self.age[where] // DAY_US
        new = np.ones(len(lead), dtype=np.bool_)
        new[1:] = (lead[1:] != lead[:-1]) | (day[1:] != day[:-1])  # in time order: equal days are neighbours
        return np.bincount(lead[new], minlength=self.leads).astype(np.float64)

"""Which cases are on the new version's side: always the same ones, in every process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Frame
from serving.predictors.cases import Cases


@dataclass(frozen=True)
class Share:
    """A share of all cases, by a hash of the case's name, or of the row's values where it has none.

    Parameters
    ----------
    share : float
        In (0, 1].
    salt : str
        Another salt chooses other cases.
    """

    share: float
    salt: str

    def of(self, features: Frame) -> NDArray[np.bool_]:
        """Return for each row whether it is in the share.

        Examples
        --------
        >>> rows = Frame.of({"rooms": [1.0, 2.0, 3.0, 1.0]})
        >>> Share(0.5, "7").of(rows).tolist()
        [False, False, True, False]
        """
        return np.array([self.has(name) for name in _names(features)], dtype=np.bool_)

    def has(self, name: str) -> bool:
        """Return whether a case of this name is in the share."""
        return self._hash(name) < self.share * 2.0**64

    def _hash(self, name: str) -> int:
        digest = blake2b(f"{self.salt}/{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest)


def _names(features: Frame) -> Iterator[str]:
    entities = features.entities if isinstance(features, Cases) else ()
    if entities and None not in entities:
        yield from (name for name in entities if name is not None)
        return
    values = [features[name].tolist() for name in sorted(features.columns)]
    for row in range(len(features)):
        entity = entities[row] if entities else None
        yield entity if entity is not None else repr([column[row] for column in values])

"""What two versions said of the same cases in a shadow, on its way into the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from estate.core.frame import Numbers
from estate.store import copy_format as copy
from estate.store.prediction_rows import Texts, uuids_of


@dataclass(frozen=True)
class Pair:
    """Which two versions of a model were compared."""

    model: str
    version: str
    stable_version: str


@dataclass(frozen=True)
class ShadowRows:
    """Scores that a new version gave behind the callers' backs, beside those of the present one.

    Parameters
    ----------
    pair : Pair
    ids : bytes
        Of the predictions that were answered meanwhile, 16 bytes each.
    at : int64 array of shape (n,)
        Microseconds since 1970.
    stable, candidate : float64 array of shape (n,)
    entities : sequence of (str or None), optional
        None where no row has any.
    """

    pair: Pair
    ids: bytes
    at: NDArray[np.int64]
    stable: Numbers
    candidate: Numbers
    entities: Texts | None = None

    TABLE = "shadow_predictions"
    COLUMNS = (
        *("model", "version", "stable_version", "prediction_id", "stable_score", "candidate_score", "at"),
        "entity_id",
    )

    def __len__(self) -> int:
        return len(self.stable)

    def take(self, chosen: Sequence[int]) -> ShadowRows:
        """Return the rows at these positions."""
        index = np.asarray(chosen, dtype=np.intp)
        return replace(
            self,
            ids=b"".join(self.ids[16 * i : 16 * i + 16] for i in chosen),
            at=self.at[index],
            stable=self.stable[index],
            candidate=self.candidate[index],
            entities=None if self.entities is None else [self.entities[i] for i in chosen],
        )

    def names(self) -> list[str]:
        """Return the predictions' ids as text."""
        return uuids_of(self.ids)

    def copied(self) -> bytes:
        """Return the rows as COPY in binary form takes them, in the order of ``COLUMNS``."""
        pair = self.pair
        fixed = [
            copy.columns(len(self.COLUMNS)),
            copy.raw("pair", b"".join(map(copy.constant, (pair.model, pair.version, pair.stable_version)))),
            *copy.uuids(self.ids),
            *copy.floats("stable", self.stable),
            *copy.floats("candidate", self.candidate),
            *copy.moments(self.at),
        ]
        if self.entities is None:
            return copy.rows(len(self), [*fixed, copy.raw("none", copy.constant(None))])
        return copy.rows(len(self), fixed, [copy.text_fields(self.entities)])

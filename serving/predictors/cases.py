"""Features that say which case each row is, for wrappers that treat cases differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from estate.core.frame import Frame


@dataclass(frozen=True)
class Cases(Frame):
    """A frame of features with its cases.

    Parameters
    ----------
    entities : sequence of (str or None)
        The case of each row; None where the caller named none.
    ids : sequence of str
        The name of each row's prediction, where it has one already.
    """

    entities: Sequence[str | None] = ()
    ids: Sequence[str] = ()

    @classmethod
    def about(cls, features: Frame, entities: Sequence[str | None], ids: Sequence[str] = ()) -> Cases:
        """Return the features with their cases."""
        return cls(features.columns, features.rows, features.block, entities, ids)

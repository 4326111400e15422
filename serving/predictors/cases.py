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
    """

    entities: Sequence[str | None] = ()

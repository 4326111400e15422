"""Columns of facts that nobody sends: they are computed once, when a fact is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from estate.core.sentiment import sentiment

if TYPE_CHECKING:
    import pandas as pd

DERIVED: Mapping[str, Mapping[str, tuple[str, Callable[[str], float]]]] = {
    "messages": {"sentiment": ("text", sentiment)},
}
"""By kind of fact and column: the column that it comes from, and how."""


def with_derived(kind: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the facts with what is computed from them."""
    for name, (origin, function) in DERIVED.get(kind, {}).items():
        texts = rows[origin].tolist()
        # of each text once; not kept any longer, since it may be a person's
        made = {text: function(text) for text in set(texts) if isinstance(text, str)}
        values = [made.get(text) for text in texts]
        rows = rows.copy(deep=False)
        rows[name] = values
    return rows

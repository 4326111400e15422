"""Raw columns by pandas, where only the table's own types say what they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from estate.core.frame import Column, Frame, category_text
from estate.training.table import numbers, raw_frame
from serving.batch.plan import Plan

if TYPE_CHECKING:
    import pandas as pd


def raw_columns(plan: Plan, part: pd.DataFrame) -> Frame:
    """Return a part's raw columns, typed as the model was trained on them.

    Raises
    ------
    DataError
        If a column of numbers holds text.
    """
    if plan.missing:
        part = part.mask(part.isin(plan.missing))
    if plan.inputs is None:
        return raw_frame(part, plan.served.spec)
    read: dict[str, Callable[[pd.Series[Any]], Column]] = {"number": numbers, "category": _categories}
    return Frame({c.name: read[c.kind](part[c.name]) for c in plan.inputs}, len(part))


def _categories(values: pd.Series[Any]) -> Column:
    return np.array([category_text(value) for value in values.tolist()], dtype=object)

"""Evidently on two samples, told of every column's kind; imported where it is used, for it takes seconds."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from estate.core.frame import Column

_P_VALUES = frozenset({"ks", "chisquare", "z"})
"""Tests whose score is a p-value: the lower, the more drift."""

if TYPE_CHECKING:
    import pandas as pd


def run_evidently(
    before: Mapping[str, Column], now: Mapping[str, Column], *, p_value: float | None = None
) -> Any:
    """Return Evidently's run of its drift preset.

    Parameters
    ----------
    before, now : mapping of str to array
        The same columns of the same kinds, each with a value that is not missing.
    p_value : float, optional
        Flag a column below this p-value (Kolmogorov-Smirnov, chi-square); Evidently's own choice of tests and
        thresholds if not given.
    """
    # Evidently reports its use to its maker unless told not to; these are a customer's data.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    with warnings.catch_warnings():
        # Evidently 0.7 imports deprecated names of numpy and pydantic, and its tests warn of small counts.
        warnings.simplefilter("ignore")
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        categories = [name for name, values in before.items() if values.dtype == np.object_]
        definition = DataDefinition(
            numerical_columns=[name for name in before if name not in categories],
            categorical_columns=categories,
        )
        tests = {"num_method": "ks", "cat_method": "chisquare"} if p_value is not None else {}
        preset = DataDriftPreset(**tests, num_threshold=p_value, cat_threshold=p_value)
        return Report([preset]).run(
            Dataset.from_pandas(_table(now), data_definition=definition),
            Dataset.from_pandas(_table(before), data_definition=definition),
        )


def columns_flagged(before: Mapping[str, Column], now: Mapping[str, Column]) -> int:
    """Return how many columns Evidently flags with its own choice of tests and thresholds."""
    counted = run_evidently(before, now).dict()["metrics"][0]["value"]["count"]
    return int(counted)


def present(values: Column) -> Column:
    """Return which values are there: not missing, not infinite; bool array of shape (rows,)."""
    if values.dtype == np.object_:
        return np.array([value is not None for value in values], dtype=bool)
    there: Column = np.isfinite(values)
    return there


def _table(columns: Mapping[str, Column]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: np.where(present(v), v, np.nan) for name, v in columns.items()})


@dataclass(frozen=True)
class Verdict:
    """What Evidently's default test says of a column.

    Parameters
    ----------
    test : str
        Its name for the test.
    excess : float
        Score over threshold, or threshold over p-value: flagged from 1 on.
    flagged : bool
    """

    test: str
    excess: float
    flagged: bool


def default_verdicts(before: Mapping[str, Column], now: Mapping[str, Column]) -> dict[str, Verdict]:
    """Return what the preset would say of each column, by the tests that it would choose, without its report.

    The report takes seconds, the tests milliseconds. `tests/monitoring/test_evidently_run.py` holds the
    two against each other.
    """
    os.environ.setdefault("DO_NOT_TRACK", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: _verdict(before[name], now[name]) for name in before}


def _verdict(before: Column, now: Column) -> Verdict:
    import pandas as pd
    from evidently.legacy.calculations.stattests import get_stattest
    from evidently.legacy.core import ColumnType

    kind = ColumnType.Categorical if before.dtype == np.object_ else ColumnType.Numerical
    reference, current = (pd.Series(values[present(values)]) for values in (before, now))
    test = get_stattest(reference, current, kind, None)
    found = test(reference, current, kind, None)
    score, threshold = float(found.drift_score), float(found.actual_threshold)
    excess = threshold / max(score, 1e-300) if test.name in _P_VALUES else score / threshold
    return Verdict(test.name, excess, bool(found.drifted))

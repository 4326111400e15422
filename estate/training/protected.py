"""Protected attributes: which features stand for them, and how often their groups are selected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from estate.core.evidence import Group
from estate.core.frame import Column, Frame, Numbers

_BINS = 20
_GROUPS_MOST = 8
_NOT_KNOWN = "(missing)"


@dataclass(frozen=True)
class Association:
    """How far a feature tells a protected column, in [0, 1]."""

    feature: str
    protected: str
    value: float
    measure: str


def associations(features: Frame, protected: Frame) -> Iterator[Association]:
    """Measure every feature against every protected column of the same rows."""
    for name, column in protected.columns.items():
        for feature, values in features.columns.items():
            yield Association(feature, name, *association(values, column))


def association(one: Column, other: Column) -> tuple[float, str]:
    """Return how far one column tells the other, in [0, 1], and what it was measured by.

    Spearman's rank correlation, without its sign, for two numbers. Else Cramér's V, corrected for the bias
    of small tables; a number is cut into twenty bins of equal count, so that it counts too where it tells a
    group without growing with it. "Not known" is a value of its own, but for two numbers.

    References
    ----------
    Bergsma (2013), "A bias-correction for Cramér's V and Tschuprow's T", Journal of the Korean Statistical
    Society 42.

    Examples
    --------
    >>> group = np.array(["a", "b"] * 50, dtype=object)
    >>> association(np.arange(100.0) % 2, group)
    (1.0, "Cramér's V")
    """
    if object not in (one.dtype, other.dtype):
        return _rank_correlation(one, other), "Spearman's rank correlation"
    return _cramers_v(_codes(one), _codes(other)), "Cramér's V"


def groups_of(values: Column) -> NDArray[np.str_]:
    """Name each row's group: the value; of a number with many values the quarter that it is in."""
    if values.dtype == object:
        return np.array([_NOT_KNOWN if value is None else value for value in values.tolist()], dtype=str)
    known = values[~np.isnan(values)]
    if len(np.unique(known)) <= _GROUPS_MOST:
        names = [_NOT_KNOWN if np.isnan(value) else f"{value:g}" for value in values.tolist()]
        return np.array(names, dtype=str)
    edges = np.quantile(known, [0.0, 0.25, 0.5, 0.75, 1.0])
    quarter = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, 3)
    names = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return np.where(np.isnan(values), _NOT_KNOWN, np.array(names)[quarter])


def impact(protected: Frame, score: Numbers, *, share: float, least_rows: int) -> tuple[Group, ...]:
    """Return how often each group is among the highest scores, as share and as ratio to the luckiest group.

    Parameters
    ----------
    protected : Frame
        n rows.
    score : float64 array of shape (n,)
    share : float
        Of the rows that are selected; ties at the lowest selected score are all selected.
    least_rows : int
        Smaller groups are left out.
    """
    from fairlearn.metrics import MetricFrame, selection_rate

    lowest = np.sort(score)[-max(1, round(share * len(score)))]
    selected = (score >= lowest).astype(np.int64)
    found: list[Group] = []
    for column, values in protected.columns.items():
        names = groups_of(values)
        kept = np.isin(names, [name for name in np.unique(names) if (names == name).sum() >= least_rows])
        if not kept.any():
            continue
        # The rate counts predictions; the labels that the frame asks for have no part in it.
        rates = MetricFrame(
            metrics=selection_rate,
            y_true=selected[kept],
            y_pred=selected[kept],
            sensitive_features=names[kept],
        ).by_group
        most = float(rates.max())
        for name, rate in rates.items():
            ratio = float(rate) / most if most else 1.0
            found.append(Group(column, str(name), int((names == name).sum()), float(rate), ratio))
    return tuple(found)


def _rank_correlation(one: Numbers, other: Numbers) -> float:
    from scipy.stats import rankdata

    known = ~(np.isnan(one) | np.isnan(other))
    if known.sum() < 3:
        return 0.0
    ranks = [rankdata(values[known]) for values in (one, other)]
    if min(np.ptp(rank) for rank in ranks) == 0:
        return 0.0
    return float(abs(np.corrcoef(*ranks)[0, 1]))


def _codes(values: Column) -> NDArray[np.intp]:
    if values.dtype == object:
        named = np.array([_NOT_KNOWN if value is None else value for value in values.tolist()], dtype=str)
        return np.unique(named, return_inverse=True)[1]
    known = values[~np.isnan(values)]
    if not len(known):
        return np.zeros(len(values), dtype=np.intp)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1], method="inverted_cdf"))
    bins = np.searchsorted(edges, values, side="left")
    return np.unique(np.where(np.isnan(values), len(edges) + 1, bins), return_inverse=True)[1]


def _cramers_v(one: NDArray[np.intp], other: NDArray[np.intp]) -> float:
    n = len(one)
    table = np.zeros((one.max() + 1, other.max() + 1))
    np.add.at(table, (one, other), 1)
    rows, columns = table.shape
    if min(rows, columns) < 2:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    square = float(((table - expected) ** 2 / expected).sum()) / n
    square = max(0.0, square - (rows - 1) * (columns - 1) / (n - 1))
    least = min(size - (size - 1) ** 2 / (n - 1) for size in (rows, columns)) - 1
    return float(min(1.0, np.sqrt(square / least))) if least > 0 else 0.0

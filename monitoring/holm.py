"""Which of many p-values stand, so that a whole pass is wrong no more often than it says.

Each column's share of the rate follows its worth to the model: one that moves the scores is seen earlier.

References
----------
.. [1] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian
   Journal of Statistics 6, 1979.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

EVEN_SHARE = 0.5
"""Of the rate that all columns have in equal parts, whatever they are worth: a floor."""


def holm(p_values: Sequence[float], rate: float, weights: Sequence[float] = ()) -> list[tuple[bool, float]]:
    """Return for each p-value whether it stands at a family-wise rate, and the level it was held against.

    Parameters
    ----------
    weights : sequence of float, optional
        All above 0; equal if not given.

    Examples
    --------
    >>> holm([0.02, 0.001, 0.9], 0.05)
    [(True, 0.025), (True, 0.016666666666666666), (False, 0.05)]
    >>> [[stands for stands, _ in holm([0.03, 0.03], 0.05, weights)] for weights in ([0.8, 0.2], ())]
    [[True, True], [False, False]]
    """
    shares = list(weights) or [1.0] * len(p_values)
    result = [(False, rate)] * len(p_values)
    standing, left = True, sum(shares)
    for i in sorted(range(len(p_values)), key=lambda i: p_values[i] / shares[i]):
        level = min(rate, rate * shares[i] / left)
        standing = standing and p_values[i] <= level
        result[i] = (standing, level)
        left -= shares[i]
    return result


def weights_of(columns: Sequence[str | None], importance: Mapping[str, float] | None) -> list[float]:
    """Return each column's share of the rate; they sum to 1.

    Half of the rate is shared equally, half by importance. The scores (None) count as much as the most
    important feature. Without any importance all shares are equal.

    Examples
    --------
    >>> weights = weights_of(["budget_usd", "area", None], {"budget_usd": 0.03, "area": -0.001})
    >>> [round(weight, 3) for weight in weights]
    [0.417, 0.167, 0.417]
    """
    worth = {name: max(0.0, value) for name, value in (importance or {}).items()}
    most = max(worth.values(), default=0.0)
    raw = [most if name is None else worth.get(name, 0.0) for name in columns]
    total, even = sum(raw), 1.0 / max(1, len(columns))
    if not total:
        return [even] * len(columns)
    return [EVEN_SHARE * even + (1 - EVEN_SHARE) * value / total for value in raw]

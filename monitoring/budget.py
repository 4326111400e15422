"""What a look may spend: false alarms are promised per model and month, however often somebody looks.

The budget comes in with time, a thirtieth of it each day, and at most 14 days of it are saved. A look
spends half of what there is: daily looks spend 96 % of what comes in, weekly ones 72 %; the second
look of the same hour spends half of the first, the third a quarter. No 30 days ever
spend more than the budget.

References
----------
.. [1] D. P. Foster, R. A. Stine, "Alpha-investing: a procedure for sequential control of expected false
   discoveries", Journal of the Royal Statistical Society B 70, 2008.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

PERIOD = timedelta(days=30)
MOST_SAVED = timedelta(days=14)
SPENT = 0.5
LEAST_RATE = 1e-12


@dataclass(frozen=True)
class Look:
    """What an earlier look spent.

    Parameters
    ----------
    moment : datetime
        That it was about.
    rate : float
        Its false-alarm rate, in [0, 1].
    """

    moment: datetime
    rate: float


def rate_of_look(looks: Sequence[Look], moment: datetime, *, budget: float) -> float:
    """Return the false-alarm rate that a look at a moment may have.

    Parameters
    ----------
    looks : sequence of Look
        Earlier looks at the model, in any order; those of later moments count as of this one.
    budget : float
        Expected false alarms of a model in 30 days, in (0, 1].

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    >>> first = rate_of_look((), noon, budget=0.1)
    >>> again = rate_of_look((Look(noon, first),), noon, budget=0.1)
    >>> round(first, 4), round(again, 4)
    (0.0233, 0.0117)
    """
    saved = _share(MOST_SAVED, budget)
    balance, last = saved, None
    for look in sorted(looks, key=lambda look: look.moment):
        balance = _grown(balance, last, look.moment, budget) - look.rate
        last = look.moment
    balance = _grown(balance, last, moment, budget)
    recent = sum(look.rate for look in looks if look.moment > moment - PERIOD)
    return max(LEAST_RATE, SPENT * min(balance, budget - recent))


def _grown(balance: float, last: datetime | None, moment: datetime, budget: float) -> float:
    if last is None or moment <= last:
        return balance
    return min(_share(MOST_SAVED, budget), balance + _share(moment - last, budget))


def _share(time: timedelta, budget: float) -> float:
    return budget * (time / PERIOD)

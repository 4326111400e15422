"""Labels of leads: whether the outcome came within the horizon, and since when that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.core.model_spec import CrmSource
from estate.core.outcomes import CLOSING
from estate.features.events import DAY_US, Micros
from estate.features.histories import micros
from estate.store.database import Database
from estate.store.facts import read_facts

if TYPE_CHECKING:
    import pandas as pd

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Labels:
    """What is known of n leads as of a moment; arrays of shape (n,).

    Parameters
    ----------
    created, moment : int64 array
        When each lead came, and when the model looks at it; microseconds since 1970, UTC.
    old_enough : bool array
        The model's age was reached.
    candidate : bool array
        Old enough, and nothing was decided before.
    ripe : bool array
        A candidate whose whole horizon has passed: only these have a label. A positive that came early waits
        too, or the newest leads would all be positive.
    positive : bool array
        The outcome has come within the horizon, as far as is known.
    """

    created: Micros
    moment: Micros
    old_enough: Mask
    candidate: Mask
    ripe: Mask
    positive: Mask


def labels_of_leads(source: CrmSource, database: Database, *, as_of: datetime) -> tuple[pd.DataFrame, Labels]:
    """Return the leads that are known as of a moment, and what is known of their labels."""
    leads = read_facts(database, "leads", as_of=as_of)
    outcomes = read_facts(database, "outcomes", as_of=as_of)
    created, now = micros(leads["event_at"]), int(as_of.timestamp() * 1e6)
    moment, horizon = created + int(source.age_days * DAY_US), int(source.horizon_days * DAY_US)
    if source.among == "outcomes":
        resolved = _first(leads, moment, outcomes, (*CLOSING, source.outcome))
        happens = _first(leads, moment, outcomes, (source.outcome,))
    else:
        resolved = _first(leads, moment, outcomes, CLOSING)
        interactions = read_facts(database, "interactions", as_of=as_of)
        happens = _first(leads, moment, interactions, (source.outcome,), later=True)
    old_enough = moment <= now
    candidate = old_enough & ~(resolved <= moment)
    ripe = candidate & (moment + horizon <= now)
    return leads, Labels(created, moment, old_enough, candidate, ripe, happens <= moment + horizon)


@dataclass(frozen=True)
class Maturity:
    """The leads of some days, by what is known of their labels.

    Parameters
    ----------
    first_day : datetime
        UTC; the leads came on this day or in those that follow.
    leads : int
        ``leads = too_young + decided_before + censored + ripe``
    too_young, decided_before, censored, ripe, positive : int
        Not looked at yet; their outcome came before the model looks; their horizon has not ended; with a
        label; of these, positive.
    censored_positive : int
        Of the censored ones, how many have had the outcome already.
    """

    first_day: datetime
    leads: int
    too_young: int
    decided_before: int
    censored: int
    ripe: int
    positive: int
    censored_positive: int

    @property
    def mature_share(self) -> float | None:
        """Share of those that the model looks at which have a label; None if it looks at none."""
        looked = self.censored + self.ripe
        return self.ripe / looked if looked else None

    def as_dict(self) -> dict[str, object]:
        """Return all of it, the share too."""
        return {**asdict(self), "mature_share": self.mature_share}


def maturity(labels: Labels, *, days: int) -> list[Maturity]:
    """Return the leads by when they came, some days at a time, oldest first.

    Parameters
    ----------
    labels : Labels
    days : int
        At least 1; weeks begin on a Monday.
    """
    monday = int(datetime(1970, 1, 5, tzinfo=UTC).timestamp() * 1e6)
    part = (labels.created - monday) // (days * DAY_US)
    censored = labels.candidate & ~labels.ripe
    made = []
    for number in np.unique(part).tolist():
        here = part == number

        def count(mask: Mask, here: Mask = here) -> int:
            return int(np.count_nonzero(mask & here))

        made.append(
            Maturity(
                datetime(1970, 1, 5, tzinfo=UTC) + timedelta(days=days * number),
                int(here.sum()),
                count(~labels.old_enough),
                count(labels.old_enough & ~labels.candidate),
                count(censored),
                count(labels.ripe),
                count(labels.ripe & labels.positive),
                count(censored & labels.positive),
            )
        )
    return made


def _first(
    leads: pd.DataFrame, moment: Micros, facts: pd.DataFrame, kinds: Sequence[str], *, later: bool = False
) -> Micros:
    """Return when each lead's first fact of these kinds came (``later``: after its moment); far if never."""
    first = np.full(len(leads), np.iinfo(np.int64).max)
    chosen = facts[facts["kind"].isin(kinds)]
    at = dict(zip(leads["lead_id"].tolist(), range(len(leads)), strict=True))
    positions = np.array([at.get(name, -1) for name in chosen["lead_id"].tolist()], dtype=np.intp)
    times = micros(chosen["event_at"])
    counted = positions >= 0
    if later:
        counted &= times > np.append(moment, np.iinfo(np.int64).max)[positions]
    np.minimum.at(first, positions[counted], times[counted])
    return first

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from estate.datasets.world.behaviour import INTERACTIONS
from estate.datasets.world.observables import observe
from estate.datasets.world.simulate import make_scene, simulate
from estate.datasets.world.world import World

WORLD = World(seed=9, leads_per_day=15, days=90)


@pytest.mark.parametrize("age_days", [7, 21])
def test_the_truth_reads_what_the_stored_facts_say_and_nothing_later(age_days: int) -> None:
    """Counted again, from the tables, as a feature does it."""
    scene, facts = make_scene(WORLD, range(50)), simulate(WORLD).facts
    known = observe(scene, age_days)
    people = scene.people
    leads = facts["leads"].set_index("lead_id")
    leads = leads.loc[[f"w9-{day:04d}-{n:05d}" for day, n in zip(people.day, people.number, strict=True)]]
    decided = leads["event_at"] + pd.Timedelta(days=age_days)

    def as_of(kind: str) -> pd.DataFrame:
        rows = facts[kind][facts[kind]["lead_id"].isin(leads.index)]
        limit = rows["lead_id"].map(decided)
        seen: pd.DataFrame = rows[(rows["event_at"] <= limit) & (rows["recorded_at"] <= limit)]
        return seen

    events, messages = as_of("interactions"), as_of("messages")
    counts = pd.crosstab(events["lead_id"], events["kind"]).reindex(leads.index, fill_value=0)
    np.testing.assert_array_equal(known.counts, counts[list(INTERACTIONS)].to_numpy())
    first = messages[messages["direction"] == "out"].groupby("lead_id")["event_at"].min().reindex(leads.index)
    hours = (first.fillna(decided) - leads["event_at"]).dt.total_seconds() / 3600
    np.testing.assert_allclose(known.first_response_hours, hours)
    replied = events[events["kind"] == "reply"].groupby("lead_id")["event_at"].max().reindex(leads.index)
    since = ((decided - replied).dt.total_seconds() / 86_400).fillna(np.inf)
    np.testing.assert_allclose(known.days_since_reply, since)
    listed, index = facts["properties"], facts["market_index"]
    for row in range(0, len(leads), 97):
        lead, moment = leads.iloc[row], decided.iloc[row]
        here = listed[(listed["area"] == lead["area"]) & (listed["recorded_at"] <= moment)]
        np.testing.assert_allclose(known.budget_ratio[row], lead["budget_usd"] / here["price_usd"].median())
        latest = index[(index["area"] == lead["area"]) & (index["recorded_at"] <= moment)]
        assert known.price_index[row] == latest.sort_values("event_at")["value"].iloc[-1]

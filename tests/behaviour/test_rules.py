"""Rules answer where no model is: on leads with known outcomes each of them is better than chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from estate.catalog import OWN
from estate.core.model_spec import CrmSource, PairSource
from estate.core.prediction import Scores
from estate.datasets.world import World, simulate_into
from estate.store.database import Database
from estate.training.extract import extract
from estate.training.metrics import roc_auc

DAYS = 140
DRAWS = 200
OF_LEADS = [spec for spec in OWN if isinstance(spec.source, CrmSource | PairSource)]


@pytest.mark.thorough
def test_every_rule_ranks_leads_better_than_chance(database: Database, tmp_path: Path) -> None:
    world = World(seed=77, leads_per_day=25, days=DAYS)
    simulate_into(database, world, home=tmp_path)
    assert len(OF_LEADS) == 9
    random = np.random.default_rng(0)
    low = {}
    for spec in OF_LEADS:
        data = extract(spec, database, as_of=world.at(DAYS))
        newest = data.take(np.arange(max(0, len(data) - 3_000), len(data)))
        assert spec.rules is not None
        score = spec.rules(newest.features)
        rows = [random.integers(0, len(newest), len(newest)) for _ in range(DRAWS)]
        low[spec.name] = float(np.quantile([roc_auc(newest.y[i], Scores(score[i])) for i in rows], 0.025))
    assert {name: value for name, value in low.items() if value <= 0.5} == {}, low

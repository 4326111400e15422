"""The models of homes pass their gates on the simulated desk, from its database to the verdict."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from estate.core.model_spec import ModelSpec
from estate.datasets.world import World, simulate_into
from estate.services.property_matching.model import SPECS
from estate.store.database import Database
from tests.behaviour.test_public_data import judged

BEST = {"home_choice": 0.93, "home_interest": 0.58, "home_viewing": 0.55}
"""The least ROC AUC that a model which learned anything has."""


@pytest.mark.thorough
def test_models_of_homes_pass_their_gates(database: Database, tmp_path: Path) -> None:
    simulate_into(database, World(seed=8, leads_per_day=60, days=90, start=date(2026, 1, 5)), home=tmp_path)
    for spec in SPECS:
        _passes(spec, database, tmp_path / spec.name)


def _passes(spec: ModelSpec, database: Database, folder: Path) -> None:
    folder.mkdir()
    judgement = judged(spec, folder, database, as_of=datetime(2026, 4, 4, tzinfo=UTC))
    failed = [finding.sentence for finding in judgement.findings if not finding.passed]
    # About 230 tours in the frozen rows do not prove a model better than its rules; all else must hold.
    expected = "better than the rules" if spec.name == "home_viewing" else "nothing"
    assert [one for one in failed if expected not in one] == [], spec.name
    ours = {measure.name: measure.value for measure in judgement.measures}
    rules = {measure.name: measure.value for measure in judgement.baseline}
    assert ours["roc_auc"] > BEST[spec.name]
    assert rules["roc_auc"] > 0.5, "rules are better than chance on the same rows"
    assert ours["log_loss"] < rules["log_loss"]

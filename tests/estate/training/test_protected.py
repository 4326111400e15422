"""Associations and impact ratios of protected attributes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from estate.core.errors import ContractError, SpecError
from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame
from estate.core.model_spec import CrmSource, Gate, ModelSpec
from estate.features import preference
from estate.store.database import Database
from estate.training.extract import extract
from estate.training.protected import association, groups_of, impact
from tests.specs import home_spec, logistic, write_homes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RANDOM = np.random.default_rng(0)
NUMBER = RANDOM.standard_normal(2000)
NOISE = RANDOM.standard_normal(2000)
GROUP = RANDOM.choice(["a", "b", "c"], 2000).astype(object)
OTHER = RANDOM.choice(["x", "y"], 2000).astype(object)


def test_what_has_nothing_to_do_with_each_other_is_near_zero() -> None:
    pairs = [(NUMBER, NOISE), (NUMBER, GROUP), (GROUP, NUMBER), (GROUP, OTHER)]
    assert max(association(*pair)[0] for pair in pairs) < 0.1


def test_what_is_the_same_under_another_name_is_one() -> None:
    renamed = np.array([{"a": "1", "b": "2", "c": None}[value] for value in GROUP], dtype=object)
    coded = np.array([{"a": 3.0, "b": 1.0, "c": np.nan}[value] for value in GROUP])
    assert association(renamed, GROUP)[0] == pytest.approx(1.0)
    assert association(coded, GROUP)[0] == pytest.approx(1.0)
    value, measure = association(-np.exp(NUMBER), NUMBER)
    assert value == pytest.approx(1.0)
    assert measure == "Spearman's rank correlation"


def test_a_number_that_tells_a_small_group_is_found_though_it_does_not_grow_with_it() -> None:
    middle = np.where(np.abs(NUMBER) < 0.12, "in", "out").astype(object)
    assert association(NUMBER, middle)[0] > 0.7


def test_a_constant_tells_nothing() -> None:
    assert association(np.ones(2000), GROUP)[0] == 0.0
    assert association(np.ones(2000), NUMBER)[0] == 0.0
    assert association(np.full(2000, np.nan), GROUP)[0] == 0.0


def test_groups_of_a_number_are_its_quarters_and_of_a_few_numbers_each_value() -> None:
    age = np.array([*range(20, 60), np.nan], dtype=np.float64)
    named, sizes = np.unique(groups_of(age), return_counts=True)
    assert dict(zip(named.tolist(), sizes.tolist(), strict=True)) == {
        "(missing)": 1,
        "20 to 29.75": 10,
        "29.75 to 39.5": 10,
        "39.5 to 49.25": 10,
        "49.25 to 59": 10,
    }
    assert set(groups_of(np.array([0.0, 1.0, np.nan])).tolist()) == {"0", "1", "(missing)"}


def test_the_impact_ratio_is_beside_the_most_selected_group() -> None:
    group = np.array(["a"] * 100 + ["b"] * 100 + ["c"] * 10, dtype=object)
    score = np.concatenate([np.arange(100) < 40, np.arange(100) < 10, np.zeros(10)]) + 0.1
    found = impact(Frame.of({"group": group}), score, share=50 / 210, least_rows=50)
    assert [(g.value, g.rows) for g in found] == [("a", 100), ("b", 100)]
    assert [g.selected for g in found] == pytest.approx([0.4, 0.1])
    assert [g.impact_ratio for g in found] == pytest.approx([1.0, 0.25])


def test_protected_columns_are_read_though_no_request_brings_them(tmp_path: Path) -> None:
    path = write_homes(tmp_path / "homes.csv", rows=300)
    spec = home_spec(path, features=FeatureSet(numbers=("rooms",)), gate=Gate(protected=("area", "days")))
    data = extract(spec, None, as_of=NOW)
    assert data.inputs == ("rooms",)
    assert list(data.protected.columns) == ["area", "days"]
    assert data.protected["days"].dtype == np.float64
    assert len(data.take(np.arange(10)).protected) == 10


def test_a_protected_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    spec = home_spec(write_homes(tmp_path / "homes.csv", rows=300), gate=Gate(protected=("gender",)))
    with pytest.raises(ContractError, match="expected columns gender, got columns home_id"):
        extract(spec, None, as_of=NOW)


def test_protected_columns_of_leads_come_from_their_table(database: Database) -> None:
    spec = ModelSpec(
        name="lead_model",
        purpose="Some purpose.",
        task=home_spec(Path("none.csv")).task,
        source=CrmSource(outcome="converted", horizon_days=10, age_days=7),
        features=FeatureSet(numbers=(preference.budget_usd,)),
        estimator=logistic,
        gate=Gate(protected=("area", "financing")),
    )
    assert list(extract(spec, database, as_of=NOW).protected.columns) == ["area", "financing"]
    wrong = replace(spec, gate=Gate(protected=("gender",)))
    with pytest.raises(SpecError, match=r"`protected` in the gate.*expected columns of leads.*got gender"):
        extract(wrong, database, as_of=NOW)

"""Judging for real: a serving process is measured, and the frozen rows are remembered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from estate.core.evidence import Evidence
from estate.core.settings import Settings
from estate.store.database import Database
from estate.training.evidence import Origin
from tasks.extract import extract_rows
from tasks.judge import judge_version
from tasks.learn import export_bundle, fit_model
from tasks.platform import Platform, open_platform
from tests.specs import write_homes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MODEL_FILE = '''"""Homes; the area is protected."""

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import Gate, ModelSpec, TableSource, Task


def estimator(seed):
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())


SPEC = ModelSpec(
    name="judged_home",
    purpose="The chance that a home sells.",
    task=Task.BINARY,
    source=TableSource(path="homes.csv", label="sold", positive="yes", entity="home_id", time="listed_at"),
    features=FeatureSet(numbers=("rooms", "price_usd")),
    estimator=estimator,
    gate=Gate(protected=("area",), holdout_uses=1, holdout_rows=400, latency_ms=5000.0),
)
'''


@pytest.fixture
def platform(database: Database, tmp_path: Path) -> Platform:
    models = tmp_path / "models"
    models.mkdir()
    write_homes(models / "homes.csv")
    (models / "judged_home.py").write_text(MODEL_FILE)
    settings = Settings(
        _env_file=None,
        home=tmp_path / "home",
        models=(models,),
        database_url=SecretStr(database.url),
        mlflow_url="http://127.0.0.1:9",  # nobody is asked
    )
    return open_platform(settings)


def judged(platform: Platform, key: str, folder: Path) -> Evidence:
    spec = platform.catalog.get("judged_home")
    data = extract_rows.fn(platform, spec, NOW, key)
    learned = fit_model.fn(spec, data)
    exported = export_bundle.fn(learned, folder / key)
    origin = Origin(key, NOW, trained_by="mary")
    return judge_version.fn(platform, learned, exported, champion=None, origin=origin).evidence


@pytest.mark.thorough
def test_a_version_is_measured_in_a_real_process_and_its_rows_are_counted(
    platform: Platform, tmp_path: Path
) -> None:
    first = judged(platform, "first", tmp_path)
    assert first.verdict, first.refusals()
    assert first.serving is not None
    assert first.serving.requests > 100
    assert first.serving.memory_mb > 0
    found = {finding.code: finding.sentence for finding in first.findings}
    assert {"GATE109", "GATE110", "GATE111", "GATE112", "GATE113", "GATE114"} <= set(found)
    assert {group.column for group in first.groups} == {"area"}
    assert (first.trained_by, first.holdout_uses) == ("mary", 0)

    second = judged(platform, "second", tmp_path)
    assert second.holdout_uses == 1
    assert second.verdict, second.refusals()
    again = judged(platform, "second", tmp_path / "again")
    assert again.holdout_uses == 1  # a killed training that runs again has not used its rows twice

    third = judged(platform, "third", tmp_path)
    (refusal,) = third.refusals()
    assert refusal.code == "GATE114"
    assert refusal.sentence == "2 gates judged on at least half of these rows before, at most 1 may"

"""The nouns on the ground floor."""

import json
import pickle
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from estate.core.clock import parse_time
from estate.core.errors import DataError, LeadloopError, PromotionRefused, SettingsError, SpecError
from estate.core.evidence import Evidence, Finding, Measure, Slice
from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame, category_text
from estate.core.settings import ENDPOINTS_FILE, Settings, load_settings


def test_an_error_crosses_a_process_with_its_four_parts() -> None:
    error = PromotionRefused("version 3", expected="evidence", got="none", todo="Train again.")
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, PromotionRefused)
    assert str(copy) == str(error) == "version 3: expected evidence, got none. Train again."


def test_long_values_are_cut() -> None:
    assert len(str(LeadloopError("x", got="y" * 10_000))) < 300


def test_times_without_an_offset_are_utc() -> None:
    assert parse_time("2026-01-05T08:00:00").tzinfo is UTC
    assert parse_time("2026-01-05T08:00:00+02:00") == datetime(2026, 1, 5, 6, tzinfo=UTC)


def test_frame_needs_columns_of_one_length() -> None:
    with pytest.raises(DataError, match="columns of one length"):
        Frame.of({"a": [1.0], "b": [1.0, 2.0]})


def test_frame_takes_rows_by_mask_and_by_position() -> None:
    frame = Frame.of({"a": [1.0, 2.0, 3.0]})
    assert len(frame.take(np.array([True, False, True]))) == 2
    assert frame.take(np.array([2])).records() == [{"a": 3.0}]


@pytest.mark.parametrize(
    ("value", "text"), [(np.int64(3), "3"), (np.True_, "true"), (np.float64(1.5), "1.5")]
)
def test_numpy_values_are_written_as_python_ones(value: object, text: str) -> None:
    assert category_text(value) == text


def test_a_feature_set_refuses_doubles_and_emptiness() -> None:
    with pytest.raises(SpecError, match="each once"):
        FeatureSet(numbers=("a", "a"))
    with pytest.raises(SpecError, match="one or more features"):
        FeatureSet()


def test_evidence_survives_json_and_changes_its_digest_with_its_content() -> None:
    evidence = Evidence(
        model="churn",
        training_key="k",
        bundle_digest="d",
        verdict=False,
        findings=(Finding("GATE101", False, "too few"), Finding("GATE106", True, "ok")),
        measures=(Measure("log_loss", 0.1, 0.05, 0.2),),
        baseline=(),
        champion=(),
        champion_version=None,
        slices=(Slice("source", "portal", 10, 0.3),),
        data_fingerprint="f",
        feature_fingerprint="g",
        code_version="0",
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
        rows=10,
        holdout_rows=2,
        mature_share=0.5,
    )
    assert Evidence.from_json(evidence.to_json()) == evidence
    assert [finding.code for finding in evidence.refusals()] == ["GATE101"]
    assert Evidence.from_json(evidence.to_json().replace("false", "true", 1)).digest != evidence.digest


def test_an_address_comes_from_the_setting_before_the_stack(tmp_path: Path) -> None:
    (tmp_path / ENDPOINTS_FILE).write_text(json.dumps({"mlflow_url": "http://stack", "database_url": "pg"}))
    assert Settings(home=tmp_path, mlflow_url="http://own").endpoint("mlflow_url") == "http://own"
    assert Settings(home=tmp_path).endpoint("mlflow_url") == "http://stack"


def test_an_unknown_address_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Run `leadloop up` or set the variable"):
        Settings(home=tmp_path).endpoint("database_url")


def test_a_wrong_setting_is_named_and_its_secret_neighbour_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LEADLOOP_MLFLOW_PORT", "many")
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", "postgresql://u:hunter2@h/d")
    with pytest.raises(SettingsError, match="setting LEADLOOP_MLFLOW_PORT") as caught:
        load_settings()
    assert "hunter2" not in str(caught.value)


def test_a_secret_is_not_printed() -> None:
    assert "hunter2" not in repr(Settings(database_url="postgresql://u:hunter2@h/d"))

"""The old stage menu on the stack's real MLflow server and Postgres, as any client uses it."""

from __future__ import annotations

import warnings

import pytest

from estate.core.settings import Settings
from model_registry import connect

MODEL = "of_another_team"


@pytest.mark.stack
def test_moving_a_stage_can_archive_the_others(stack: Settings) -> None:
    client = connect(stack).client
    client.create_registered_model(MODEL)
    for _ in range(2):
        client.create_model_version(MODEL, source="s3://elsewhere/model")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        for version in ("1", "2"):
            client.transition_model_version_stage(
                MODEL, version, "Production", archive_existing_versions=True
            )
    stages = {str(v.version): v.current_stage for v in client.search_model_versions(f"name = '{MODEL}'")}
    assert stages == {"1": "Archived", "2": "Production"}

"""A training's rows, computed once more with what a user types."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from estate.core.settings import Settings
from tests.behaviour.commands import leadloop, trained
from tests.flows.conftest import put_model

pytestmark = [pytest.mark.stack, pytest.mark.thorough]


def test_a_version_is_rebuilt_and_a_changed_table_is_told(
    stack: Settings, folder: Path, tmp_path: Path
) -> None:
    name = put_model(stack, "rebuilt_homes")
    version = trained(stack, name)
    made = tmp_path / "rows.parquet"
    said = leadloop(stack, "rebuild", f"{name}/{version}", "--out", str(made))
    assert said.startswith(f"equal: 200 rows of {name} as of ")
    assert "the same to the last byte" in said
    rows = pd.read_parquet(made)
    assert list(rows.columns) == ["entity", "time", "label", "features.rooms", "features.area"]
    assert len(rows) == 200

    table = pd.read_csv(folder / f"{name}.csv")
    table["rooms"] = table["rooms"] + (table.index == 3)
    table.to_csv(folder / f"{name}.csv", index=False)
    said = leadloop(stack, "rebuild", f"{name}/{version}", code=1)
    assert "Changed in features.rooms: 1 cases." in said
    found = json.loads(leadloop(stack, "rebuild", f"{name}/{version}", "--json", code=1))
    assert (found["equal"], found["same_bytes"]) == (False, False)
    assert found["compared"]["changed"] == {"features.rooms": 1}
    said = leadloop(stack, "rebuild", "nothing/7", code=1)
    assert "run `nothing/7`: expected the id of a run, or MODEL/VERSION, got neither" in said
    assert "Traceback" not in said

"""Mistakes of a beginner: one sentence each, and nothing else stops."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from estate.catalog import load_specs
from estate.core.errors import LeadloopError
from estate.core.model_spec import ModelSpec
from estate.core.settings import Settings
from estate.training.check import check_rows
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.split import split_by_time
from tests.behaviour.commands import call, leadloop
from tests.estate.test_catalog import GOOD
from tests.serving.shop import wait_for
from tests.specs import write_homes

ROW = {"rooms": 3, "area": "north"}
BY_RULES = (
    (
        "def estimator(seed):",
        "def rules(features):\n    return features['rooms'] * 0 + 0.25\n\ndef estimator(seed):",
    ),
    ("estimator=estimator", "estimator=estimator, rules=rules"),
)


def write(folder: Path, name: str, *changes: tuple[str, str]) -> Path:
    text = GOOD.replace("NAME", name)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = folder / f"{name}.py"
    file.write_text(text)
    return file


def sentence(stack: Settings, model: str) -> str:
    """Return the one line of error of `leadloop retrain`."""
    said = leadloop(stack, "retrain", model, code=1)
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if line.startswith("leadloop: ")]
    return line


@pytest.mark.stack
def test_files_that_can_not_be_read_stop_nobody_else(stack: Settings, folder: Path) -> None:
    write(folder, "mistaken", ("def estimator(seed):", "def estimator(seed)"))
    write(folder, "twice_a", ('name="twice_a"', 'name="twice"'))
    write(folder, "twice_b", ('name="twice_b"', 'name="twice"'))
    write(folder, "by_rules", *BY_RULES)

    assert f"model file {folder}/mistaken.py: expected a file that runs, got SyntaxError" in sentence(
        stack, "mistaken"
    )
    assert "expected one description, got two" in sentence(stack, "twice")
    # A process looks for new files once a second.
    wait_for(lambda: "source" in call(stack, "/v1/models/by_rules/predict", {"rows": [ROW]}))
    answer = call(stack, "/v1/models/by_rules/predict", {"rows": [ROW]})
    assert (answer["source"], answer["predictions"][0]["score"]) == ("rules", 0.25)
    assert call(stack, "/health/live")
    assert call(stack, "/v1/models/mistaken/predict", {"rows": [ROW]})["status"] == 404


@pytest.mark.thorough
@pytest.mark.stack
def test_a_mistake_that_shows_in_the_training_is_told_at_its_end(stack: Settings, folder: Path) -> None:
    write_homes(folder / "homes.csv", rows=300)
    write(folder, "mistaken", ('positive="yes"', 'positive="Yes"'))
    assert "label `sold` of model `mistaken`: expected the positive value 'Yes', got no, yes" in sentence(
        stack, "mistaken"
    )


FEATURE = "FEATURES = FeatureSet(numbers=("
MISTAKES: dict[str, tuple[tuple[str, str], str]] = {
    "no file": (('"homes.csv"', '"house.csv"'), r"house\.csv: expected a file, got none"),
    "no column": (('"rooms"', '"roms"'), r"expected columns roms, got columns home_id, listed_at, rooms"),
    "wrong separator": (
        ('"homes.csv"', '"homes.csv", separator=";"'),
        r"got columns home_id,listed_at,rooms",
    ),
    "text as number": (('("rooms",)', '("band",)'), r"column `band`, row 0: expected a number, got '"),
    "time": (('time="listed_at"', 'time="rooms"'), r"got numbers, such as .*`order` instead"),
    "no time": (
        ('time="listed_at"', 'time="area"'),
        r"column `area`: expected times of one format, best ISO 8601",
    ),
    "order with gaps": (
        ('time="listed_at"', 'order="price_usd"'),
        r"`price_usd`: expected a value in every row",
    ),
    "empty column": (('("rooms",)', '("empty",)'), r"`empty` has no value at all"),
    "unset variable": (('"homes.csv"', '"${NO_SUCH}/homes.csv"'), r"expected NO_SUCH in the environment"),
    "no horizon": (
        ('time="listed_at"', 'time="listed_at", horizon_days=9999'),
        r"at least 100 rows.*got 0 of 300",
    ),
    "feature fails": (
        (FEATURE, "def half(rows):\n    return rows.rooms / 2\n" + FEATURE + "half, "),
        r"features of model `mistaken`: .*AttributeError.*'rooms' \(half, line \d+ of .*mistaken\.py\)",
    ),
    "feature of a column that is not there": (
        (FEATURE, "def half(rows):\n    return rows['room'] / 2\n" + FEATURE + "half, "),
        r"column `room`: expected one of home_id, .*, got no such column",
    ),
    "feature over the table": (
        (FEATURE, "def mean(rows):\n    return rows['rooms'].mean()\n" + FEATURE + "mean, "),
        r"feature `mean` of model `mistaken`: expected an array of one value a row, 300, got shape \(\)",
    ),
    "metric": (
        ("estimator=estimator", "estimator=estimator, gate=Gate(metric='auc')"),
        r"expected one of .*roc_auc",
    ),
    "estimator fails": (
        ("raise NotImplementedError", "raise ValueError('no such thing')"),
        r"`estimator` of model `mistaken`: .*got ValueError: no such thing",
    ),
    "estimator is none": (("raise NotImplementedError", "pass"), r"compatible one with fit, got NoneType"),
    "rare class": (
        (
            "task=Task.BINARY, source=SOURCE",
            "task=Task.MULTICLASS, source=TableSource(path='homes.csv', label='rare')",
        ),
        r"train part of model `mistaken`: expected every class, got no row of once",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(mistake: str, tmp_path: Path) -> None:
    change, said = MISTAKES[mistake]
    table = pd.read_csv(write_homes(tmp_path / "homes.csv", rows=300))
    table["empty"] = None
    # The shuffle of a table without time is always the same: this row comes into the holdout.
    table["rare"] = ["once" if i == 77 else "often" if i % 2 else "seldom" for i in range(300)]
    table.to_csv(tmp_path / "homes.csv", index=False)
    (spec,) = load_specs(write(tmp_path, "mistaken", change))
    with pytest.raises(LeadloopError, match=said) as raised:
        train(spec)
    assert "\n" not in str(raised.value)


def train(spec: ModelSpec) -> None:
    data = extract(spec, None, as_of=datetime.now(UTC))
    check_rows(spec, data)
    fit(spec, split_by_time(spec, data))

"""Mistakes of a beginner on the running stack: one sentence each, and nothing else stops."""

from __future__ import annotations

from pathlib import Path

import pytest

from estate.core.settings import Settings
from tests.behaviour.commands import call, leadloop
from tests.estate.test_catalog import GOOD
from tests.specs import write_homes

pytestmark = pytest.mark.stack

ROW = {"rooms": 3, "area": "north"}
RULES = (
    "def estimator(seed):",
    "def rules(features):\n    return features['rooms'] * 0 + 0.25\n\ndef estimator(seed):",
)


def write(folder: Path, name: str, *changes: tuple[str, str]) -> None:
    text = GOOD.replace("NAME", name)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / f"{name}.py").write_text(text)


def sentence(stack: Settings, model: str) -> str:
    """Return the one line of error of `leadloop retrain`."""
    said = leadloop(stack, "retrain", model, code=1)
    assert "Traceback" not in said
    (line,) = [line for line in said.splitlines() if line.startswith("leadloop: ")]
    return line


def test_files_that_can_not_be_read_stop_nobody_else(stack: Settings, folder: Path) -> None:
    write(folder, "mistaken", ("def estimator(seed):", "def estimator(seed)"))
    write(folder, "twice_a", ('name="twice_a"', 'name="twice"'))
    write(folder, "twice_b", ('name="twice_b"', 'name="twice"'))
    write(folder, "by_rules", RULES, ("estimator=estimator", "estimator=estimator, rules=rules"))

    assert f"model file {folder}/mistaken.py: expected a file that runs, got SyntaxError" in sentence(
        stack, "mistaken"
    )
    assert "expected one description, got two" in sentence(stack, "twice")
    answer = call(stack, "/v1/models/by_rules/predict", {"rows": [ROW]})
    assert (answer["source"], answer["predictions"][0]["score"]) == ("rules", 0.25)
    assert call(stack, "/health/live")
    assert call(stack, "/v1/models/mistaken/predict", {"rows": [ROW]})["status"] == 404


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (('"homes.csv"', '"house.csv"'), "house.csv: expected a file, got none"),
        (('positive="yes"', 'positive="Yes"'), "expected the positive value 'Yes', got no, yes"),
        (("raise NotImplementedError", "raise ValueError('no such thing')"), "ValueError: no such thing"),
    ],
)
def test_a_mistake_that_shows_in_the_training_is_told_at_its_end(
    mistake: tuple[str, str], said: str, stack: Settings, folder: Path
) -> None:
    write_homes(folder / "homes.csv", rows=300)
    write(folder, "mistaken", mistake)
    assert said in sentence(stack, "mistaken")

"""The fingerprint of features follows every line that their values depend on, and nothing else."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from estate.core.feature_set import FeatureSet, _fingerprint
from estate.features import habits
from tests.conftest import ROOT

MODULE = """
FACTOR = 2.0
LEVELS = (1, ("low", 2.5))
WORKERS = (object(),)


def doubled(values):
    return FACTOR * values


def price_usd(rows):
    def inside(values):
        return doubled(values)

    assert WORKERS and LEVELS
    return [inside(one) for one in rows["price"]]


def unrelated(values):
    return values
"""


def fingerprint(folder: Path, text: str) -> str:
    path = folder / f"own_{len(list(folder.iterdir()))}.py"
    path.write_text(text)
    spec = spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return FeatureSet(numbers=(module.price_usd,)).fingerprint


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("FACTOR * values", "values * FACTOR", True),  # called from a function within the feature
        ("FACTOR = 2.0", "FACTOR = 2.5", True),
        ('("low", 2.5)', '("low", 2.6)', True),
        ('rows["price"]', 'rows["cost"]', True),
        ("    return values\n", "    return -values\n", False),  # nothing of the feature's
    ],
)
def test_it_follows_what_a_feature_calls(tmp_path: Path, before: str, after: str, changes: bool) -> None:
    assert before in MODULE
    first = fingerprint(tmp_path, MODULE)
    assert first == fingerprint(tmp_path, MODULE)
    assert (fingerprint(tmp_path, MODULE.replace(before, after)) != first) == changes


@pytest.mark.parametrize(
    "name", ["areas", "fact_columns", "histories", "medians", "rhythm", "texts", "zones"]
)
def test_it_follows_what_histories_are_made_with(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps and local times go through all of them."""
    features = (habits.interaction_gap_days_mean, habits.evening_share_21d)
    first = _fingerprint(features, ())
    real = inspect.getsource

    def another_line(of: Any) -> str:
        source: str = real(of)
        own = f"estate.features.{name}" in (getattr(of, "__name__", ""), getattr(of, "__module__", ""))
        return source + "# another line" * own

    monkeypatch.setattr(inspect, "getsource", another_line)
    assert _fingerprint(features, ()) != first


def test_every_process_gives_the_same() -> None:
    code = (
        "from tests.estate.features.made_up import EVERY; from estate.catalog import OWN\n"
        "print([spec.features.fingerprint for spec in (*OWN, EVERY)])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(said) == 1

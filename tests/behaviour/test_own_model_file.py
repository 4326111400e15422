"""A data set that nobody has seen, on a stack that runs already: one model file and nothing else."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from estate.core.frame import Numbers
from estate.core.settings import Settings
from estate.store import training_requests
from estate.store.database import Database
from infra.training import start_waiting
from tests.behaviour.commands import leadloop, predict, rows_of, served, trained
from tests.conftest import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.thorough]


def inquiries(rows: int, *, seed: int, price_factor: float = 1.0, portals: str = "abc") -> pd.DataFrame:
    """Return a made-up table with the columns of the example in the docs."""
    random = np.random.default_rng(seed)
    rooms = random.integers(1, 7, rows).astype(float)
    price = (random.lognormal(12.5, 0.4, rows) * price_factor).round(-2)
    area = random.choice(["north", "south", "west"], rows)
    hour = random.integers(0, 24, rows).astype(float)
    logit = 0.8 * (rooms - 3.5) - 1.5 * np.log(price / 270_000) + 1.0 * (area == "north") - 0.5
    booked = random.random(rows) < 1 / (1 + np.exp(-logit))
    table = pd.DataFrame(
        {
            "inquiry_id": [f"i{seed}-{i}" for i in range(rows)],
            "asked_at": pd.date_range("2025-01-01", periods=rows, freq="h").astype(str),
            "hour": hour,
            "rooms": rooms,
            "price_usd": price,
            "area": area,
            "portal": random.choice(list(portals), rows),
            "note": "not read",
            "tour": np.where(booked, "yes", "no"),
        }
    )
    table.loc[random.random(rows) < 0.04, "hour"] = np.nan
    table.loc[random.random(rows) < 0.04, "area"] = None
    return table


@pytest.mark.timeout(600)
def test_the_file_in_the_docs_goes_the_whole_way(stack: Settings, folder: Path, tmp_path: Path) -> None:
    inquiries(3000, seed=0).to_csv(folder / "inquiries.csv", index=False)
    block, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "models.md").read_text(), re.DOTALL)
    assert "not found" in predict(stack, "tour_booked", [{}])["title"].lower()
    (folder / "tour_booked.py").write_text(block)

    assert trained(stack, "tour_booked") == "1"
    listed = {one["model"]: one for one in json.loads(leadloop(stack, "models", "--json"))}
    assert (listed["tour_booked"]["staging"], listed["tour_booked"]["production"]) == ("1", None)
    explained = leadloop(stack, "explain", "tour_booked", "1")
    assert "The gate passed" in explained
    assert "GATE104" in explained
    assert "north" in explained
    said = leadloop(stack, "promote", "tour_booked", "1", "--reason", "the first one")
    assert "tour_booked version 1 is in production" in said

    fresh = inquiries(600, seed=1)
    rows = rows_of(fresh.drop(columns=["tour", "note"]))
    answer = served(stack, "tour_booked", "1", rows)
    scores = np.array([one["score"] for one in answer["predictions"]])
    assert answer["source"] == "model"
    assert [one["entity"] for one in answer["predictions"]] == fresh["inquiry_id"].tolist()
    assert scores[fresh["tour"] == "yes"].mean() > scores[fresh["tour"] == "no"].mean() + 0.15
    batch_equals_http(stack, fresh, scores, tmp_path)
    quiet_then_drift_then_a_new_version(stack, folder)


def batch_equals_http(stack: Settings, fresh: pd.DataFrame, scores: Numbers, tmp_path: Path) -> None:
    fresh.to_csv(tmp_path / "new.csv", index=False)
    said = leadloop(
        stack, "score", "tour_booked", "--in", f"{tmp_path}/new.csv", "--out", f"{tmp_path}/scored.parquet"
    )
    assert "600" in said
    scored = pd.read_parquet(tmp_path / "scored.parquet")
    assert scored["score"].to_numpy() == pytest.approx(scores, abs=1e-6)
    assert set(scored["version"]) == {"1"}


def quiet_then_drift_then_a_new_version(stack: Settings, folder: Path) -> None:
    seen = json.loads(leadloop(stack, "watch", "tour_booked", "--json"))
    assert seen["decision"] == "quiet", seen

    moved = inquiries(500, seed=2, price_factor=1.8, portals="axx")
    answer = predict(stack, "tour_booked", rows_of(moved.drop(columns=["tour", "note"])))
    assert answer["version"] == "1"
    seen = after_logging(stack)
    assert seen["decision"] == "drift", seen
    assert {finding["column"] for finding in seen["findings"]} >= {"price_usd", "portal"}

    world = pd.concat([inquiries(3000, seed=0), inquiries(3000, seed=3, price_factor=1.8, portals="axx")])
    world["asked_at"] = pd.date_range("2025-01-01", periods=6000, freq="h").astype(str)
    world.to_csv(folder / "inquiries.csv", index=False)
    database = Database(stack.endpoint("database_url"))
    start_waiting(stack, database)  # what `dispatch` does every few minutes
    with database.begin() as connection:
        held = training_requests.get(connection, str(seen["request_id"]))
    assert held.state == "waiting"
    assert str(held.reason).startswith("cool-down: the last training knew everything up to ")
    without_cool_down(folder / "tour_booked.py")
    start_waiting(stack, database)
    request = ended(database, seen["request_id"])
    assert request.state == "done", request.reason
    assert request.reason is not None
    assert request.reason.startswith("version 2: ")


def without_cool_down(file: Path) -> None:
    text = file.read_text()
    imported = "from estate.core.model_spec import Gate, ModelSpec, TableSource, Task"
    assert imported in text
    text = text.replace(imported, f"{imported}, TrainingRules")
    file.write_text(text.replace("    gate=", "    training=TrainingRules(cool_down_days=0),\n    gate=", 1))


def after_logging(stack: Settings) -> dict[str, Any]:
    """Predictions are written a moment after they were given."""
    for _ in range(5):
        seen: dict[str, Any] = json.loads(leadloop(stack, "watch", "tour_booked", "--json"))
        if seen["decision"] == "drift":
            break
        time.sleep(1)
    return seen


def ended(database: Database, request_id: object, *, seconds: float = 180) -> training_requests.Request:
    until = time.monotonic() + seconds
    while True:
        with database.begin() as connection:
            request = training_requests.get(connection, str(request_id))
        if request.state in {"done", "failed"}:
            return request
        assert time.monotonic() < until, request
        time.sleep(0.3)


HEAD = """
from estate.core.feature_set import FeatureSet
from estate.core.model_spec import *
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

def classifier(seed):
    return make_pipeline(SimpleImputer(), RandomForestClassifier(30, min_samples_leaf=5, random_state=seed))

def regressor(seed):
    return make_pipeline(SimpleImputer(), RandomForestRegressor(30, min_samples_leaf=5, random_state=seed))

FEATURES = FeatureSet(numbers=("rooms", "price_usd"), categories=("area",))
def spec(name, task, source, **more):
    more = {"estimator": classifier, "features": FEATURES, **more}
    return ModelSpec(name=name, purpose="A test.", task=task, source=source, **more)
"""


def days(folder: Path) -> str:
    """A regression on a Parquet file without a column of time."""
    table = inquiries(1200, seed=4)
    table["days"] = 60 - 6 * table["rooms"] + (table["area"] == "north") * 10
    table.drop(columns=["asked_at"]).to_parquet(folder / "days.parquet")
    return """SPEC = spec("own_days", Task.REGRESSION, TableSource(path="days.parquet", label="days"),
    estimator=regressor, gate=Gate(metric="mae"))"""


def band(folder: Path) -> str:
    """Three classes in a CSV file with semicolons, a text for not known, and an order instead of a time."""
    table = inquiries(1200, seed=5)
    table["band"] = np.select([table["rooms"] < 3, table["rooms"] < 5], ["small", "middle"], "large")
    table["area"] = table["area"].fillna("unknown")
    table["rooms"] = table["rooms"].astype(object).mask(table.index % 30 == 0, "unknown")
    table["row"] = range(len(table))
    table.to_csv(folder / "band.csv", index=False, sep=";")
    return """SPEC = spec("own_band", Task.MULTICLASS,
    TableSource(path="band.csv", label="band", order="row", separator=";", missing=("unknown",)))"""


def query(folder: Path) -> str:
    """A binary label of 0 and 1 from a query."""
    table = inquiries(1200, seed=6)
    table["tour"] = (table["tour"] == "yes").astype(int)
    with sqlite3.connect(folder / "desk.sqlite") as connection:
        table.to_sql("inquiry", connection, index=False)
    return f"""SPEC = spec("own_query", Task.BINARY, QuerySource(
    url="sqlite:///{folder}/desk.sqlite", sql="SELECT * FROM inquiry WHERE rooms > 0",
    label="tour", time="asked_at", entity="inquiry_id"))"""


@pytest.mark.parametrize("make", [days, band, query])
def test_other_tasks_and_sources_train_promote_and_answer(
    make: Callable[[Path], str], stack: Settings, folder: Path
) -> None:
    name = f"own_{make.__name__}"
    (folder / f"{name}.py").write_text(HEAD + make(folder))
    version = trained(stack, name)
    leadloop(stack, "promote", name, version, "--reason", "test")
    answer = served(
        stack, name, version, [{"rooms": 2, "price_usd": 200_000, "area": None, "inquiry_id": "i-1"}]
    )
    (one,) = answer["predictions"]
    assert one["score"] == pytest.approx({"own_days": 48, "own_band": 1.0, "own_query": 0.5}[name], rel=0.7)
    assert one.get("label") == ("small" if name == "own_band" else None)
    unknown = predict(stack, name, [{"rooms": "unknown", "price_usd": 2e5, "area": "unknown"}])
    assert ("predictions" in unknown) == (name == "own_band"), unknown

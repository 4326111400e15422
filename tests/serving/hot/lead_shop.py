"""A shop with leads, each with a score of its own, and hands to hold the reading of them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper

from estate.bundles import Bundle, Encoder, InputColumn, OnnxPredictor, Reference, write_manifest
from estate.bundles.bundle import FEATURES, GOLDEN, MODEL, REFERENCE, describe
from estate.bundles.encoder import EncodedColumn
from estate.core.clock import now
from estate.core.errors import DataError
from estate.core.frame import Frame, Numbers
from estate.features.histories import Histories
from estate.store.facts import write_facts
from tests.serving.lanes.gate import Gate
from tests.serving.shop import Shop

LEADS = [f"lead-{i}" for i in range(64)]
POISON = "lead-666"
POISON_BUDGET = 666.0
READING = Gate()
NAMES = ("budget", "bedrooms")
MODEL_FILE = '''"""A model of leads."""

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import CrmSource, ModelSpec, Task
from tests.serving.hot.lead_shop import read_budget


def budget(h):
    """Budget in USD."""
    return read_budget(h)


def bedrooms(h):
    """Bedrooms wanted."""
    return h.lead["bedrooms_wanted"]


BUY = ModelSpec(
    name="buy", purpose="Will the lead buy?", task=Task.BINARY, estimator=lambda seed: None,
    features=FeatureSet(numbers=(budget, bedrooms)),
    source=CrmSource(outcome="bought", horizon_days=60, age_days=7),
)
'''


def read_budget(histories: Histories) -> Numbers:
    """Return budgets, once the gate is open; refuse the lead that can't be read."""
    found = histories.lead["budget_usd"]
    READING.calls.append(found.tolist())
    READING.came.set()
    if READING.event is not None:
        assert READING.event.wait(60)
    if (found == POISON_BUDGET).any():
        raise DataError("budget", expected="one that can be read", got="666")
    return found


def budget_of(lead: str) -> float:
    return 100_000.0 + 5_000.0 * int(lead.removeprefix("lead-"))


def score_of(lead: str, version: str) -> float:
    """Return the score that a version gives a lead; no two are the same."""
    z = (budget_of(lead) - 300_000.0) / 100_000.0 + 0.1 * 3.0 + int(version)
    return float(1.0 / (1.0 + np.exp(-z)))


def fill(shop: Shop) -> None:
    """Write the model's file and the leads."""
    (shop.folder / "models" / "model.py").write_text(MODEL_FILE)
    long_ago = now() - timedelta(days=20)
    budgets = [*map(budget_of, LEADS), POISON_BUDGET]
    leads = {"lead_id": [*LEADS, POISON], "source": "portal", "budget_usd": budgets, "bedrooms_wanted": 3.0}
    with shop.database.begin() as connection:
        write_facts(
            connection, "leads", pd.DataFrame({**leads, "event_at": long_ago, "recorded_at": long_ago})
        )


def train(shop: Shop, version: str) -> None:
    """Put a version into the registry, judged and vouched for."""
    folder = shop.folder / "registry" / "buy" / version
    folder.mkdir(parents=True)
    spec, columns = shop.spec, tuple(EncodedColumn(name, "number") for name in NAMES)
    inputs = tuple(InputColumn(name, "number") for name in NAMES)
    bundle = Bundle(folder, "", "buy", spec.task, (), spec.features.fingerprint, inputs, Encoder(columns))
    _write_onnx(folder / MODEL, float(version))
    (folder / FEATURES).write_text(describe(bundle))
    budgets = np.linspace(100_000.0, 500_000.0, 40)
    reference = Frame.of({"budget": budgets, "bedrooms": np.arange(40.0) % 5})
    golden = reference.take(np.arange(2))
    scores = OnnxPredictor(bundle, version).predict_many(golden).score
    listed: dict[str, Any] = {name: golden[name].tolist() for name in NAMES}
    (folder / GOLDEN).write_text(
        json.dumps({"rows": golden.records(), "features": listed, "scores": scores.tolist()})
    )
    Reference(reference, OnnxPredictor(bundle, version).predict_many(reference).score).write(
        folder / REFERENCE
    )
    write_manifest(folder)
    made = shop.judge(version, model="buy")
    shop.keep(version, made, shop.sign(made), model="buy")


def _write_onnx(path: Path, base: float) -> None:
    nodes = [
        helper.make_node("MatMul", ["features", "weights"], ["sum"]),
        helper.make_node("Add", ["sum", "base"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["p"]),
        helper.make_node("Reshape", ["p", "flat"], ["score"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([[1e-5], [0.1]], dtype=np.float32), "weights"),
        numpy_helper.from_array(np.array([base - 3.0], dtype=np.float32), "base"),
        numpy_helper.from_array(np.array([-1], dtype=np.int64), "flat"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None])],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), path)

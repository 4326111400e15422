"""A real serving process on a free port, real Postgres, real bundles; only the registry is a folder."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import onnx
import uvicorn
from onnx import TensorProto, helper, numpy_helper

from estate.bundles import Bundle, Encoder, InputColumn, OnnxPredictor, Reference, write_manifest
from estate.bundles.bundle import FEATURES, GOLDEN, MODEL, REFERENCE, describe
from estate.bundles.encoder import EncodedColumn
from estate.catalog import load_specs
from estate.core.errors import RegistryError
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.core.settings import Settings
from estate.store.database import Database
from estate.store.ledger import Order, append
from serving.app import build_app
from serving.process import Process, make_process

MODEL_FILE = '''"""A model of the user's own."""

from estate.core.feature_set import FeatureSet
from estate.core.model_spec import ModelSpec, TableSource, Task


def price_per_room_usd(rows):
    """Price of a room."""
    return rows["price_usd"] / rows["rooms"]


def rules(features):
    """One in ten."""
    return features["rooms"] * 0 + 0.1


def estimator(seed):
    """Never fitted here."""
    raise NotImplementedError


FEATURES = FeatureSet(numbers=("rooms", price_per_room_usd), categories=("area",))
SALE = ModelSpec(
    name="sale", purpose="Will it be sold?", task=Task.BINARY, features=FEATURES, estimator=estimator,
    source=TableSource(path="sales.csv", label="sold", entity="case_id"), rules=rules,
)
BARE = ModelSpec(
    name="bare", purpose="No rules.", task=Task.BINARY, features=FEATURES, estimator=estimator,
    source=TableSource(path="sales.csv", label="sold"),
)
'''
ROW = {"case_id": "case-1", "rooms": 3, "price_usd": 300_000.0, "area": "north"}
INPUTS = (
    InputColumn("rooms", "number"),
    InputColumn("price_usd", "number"),
    InputColumn("area", "category"),
)


def score_of(version: str) -> float:
    """Return the one score that a version of the shop's models gives."""
    return int(version) / 100


@dataclass
class Shop:
    """Everything that a serving process needs, and hands to break it."""

    folder: Path
    settings: Settings
    database: Database
    registry_answers: bool = True
    fetched: list[str] = field(default_factory=list)

    @property
    def spec(self) -> ModelSpec:
        return load_specs(self.folder / "models" / "model.py")[0]

    def fetch(self, model: str, version: str, destination: Path) -> Path:
        if not self.registry_answers:
            raise RegistryError("model registry", expected="an answer", got="none")
        self.fetched.append(f"{model}/{version}")
        shutil.copytree(self.folder / "registry" / model / version, destination)
        return destination

    def train(self, version: str, *, model: str = "sale", golden: float | None = None) -> Path:
        """Put a version into the registry whose every score is ``version / 100``."""
        folder = self.folder / "registry" / model / version
        folder.mkdir(parents=True)
        encoder = Encoder(
            (
                EncodedColumn("rooms", "number"),
                EncodedColumn("price_per_room_usd", "number"),
                EncodedColumn("area", "category", ("north", "south")),
            )
        )
        spec = self.spec
        bundle = Bundle(folder, "", model, spec.task, (), spec.features.fingerprint, INPUTS, encoder)
        write_onnx(folder / MODEL, score_of(version))
        (folder / FEATURES).write_text(describe(bundle))
        features = Frame.of({"rooms": [3.0, 4.0], "price_per_room_usd": [1.0, None], "area": ["north", None]})
        scores = OnnxPredictor(bundle, version).predict_many(features).score
        expected = scores.tolist() if golden is None else [golden] * 2
        columns = {name: [row[name] for row in features.records()] for name in features.columns}
        (folder / GOLDEN).write_text(json.dumps({"features": columns, "scores": expected}))
        Reference(features, scores).write(folder / REFERENCE)
        write_manifest(folder)
        return folder

    def promote(self, version: str, *, model: str = "sale", who: str = "ada") -> None:
        order = Order(model=model, decision="promoted", to_version=version, who=who, why="better")
        with self.database.begin() as connection:
            append(connection, order)

    @contextmanager
    def serve(self) -> Iterator[Served]:
        process = make_process(self.settings, fetch=self.fetch)
        config = uvicorn.Config(build_app(process), log_config=None, timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            wait_for(lambda: server.started)
            with httpx.Client(base_url=url, timeout=10) as client:
                yield Served(client, process, url)
        finally:
            server.should_exit = True
            thread.join()
            listening.close()


@dataclass
class Served:
    """A running serving process."""

    client: httpx.Client
    process: Process
    url: str

    def predict(self, *rows: object, model: str = "sale") -> httpx.Response:
        return self.client.post(f"/v1/models/{model}/predict", json={"rows": rows or [ROW]})

    def show(self, model: str = "sale") -> dict[str, object]:
        shown: dict[str, object] = self.client.get(f"/v1/models/{model}").json()
        return shown

    def wait_for_version(self, version: str, model: str = "sale") -> None:
        wait_for(lambda: self.show(model)["version"] == version and self.show(model)["source"] != "last_good")

    def metric(self, name: str) -> float:
        lines = self.client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))


def write_onnx(path: Path, score: float) -> None:
    """Write a model of 6 columns whose score is the same for every row."""
    logit = np.float32(np.log(score / (1 - score)))
    nodes = [
        helper.make_node("ReduceSum", ["features", "one"], ["sum"], keepdims=0),
        helper.make_node("IsNaN", ["sum"], ["odd"]),
        helper.make_node("Where", ["odd", "logit", "logit"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["score"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([1], dtype=np.int64), "one"),
        numpy_helper.from_array(np.array([logit]), "logit"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 6])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None])],
        constants,
    )
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


def wait_for(condition: Callable[[], bool], *, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)

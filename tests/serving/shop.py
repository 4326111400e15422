"""A real serving process on a free port, real Postgres, real bundles; only the registry is a folder."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from estate.bundles import Bundle, Encoder, InputColumn, OnnxPredictor, Reference, write_manifest
from estate.bundles.bundle import FEATURES, GOLDEN, MODEL, REFERENCE, describe
from estate.bundles.encoder import EncodedColumn
from estate.catalog import load_specs
from estate.core.errors import RegistryError
from estate.core.evidence import Evidence
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.core.rollout import Rollout, RolloutReport
from estate.core.settings import Settings
from estate.signing import Signature, ensure_keys
from estate.store import evidence, rollout_reports
from estate.store.database import Database
from estate.store.ledger import Decision, Entry, Order, append
from serving.process import Process, make_process
from serving.server import make_server
from serving.sockets import shared_address

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

    def train(
        self,
        version: str,
        *,
        model: str = "sale",
        golden: float | None = None,
        judged: bool = True,
        fails_above: float = 1e9,
    ) -> Path:
        """Put a version into the registry whose every score is ``version / 100``, judged and vouched for.

        With more rooms than ``fails_above`` it gives none.
        """
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
        write_onnx(folder / MODEL, score_of(version), fails_above)
        (folder / FEATURES).write_text(describe(bundle))
        features = Frame.of({"rooms": [3.0, 4.0], "price_per_room_usd": [1.0, None], "area": ["north", None]})
        scores = OnnxPredictor(bundle, version).predict_many(features).score
        expected = scores.tolist() if golden is None else [golden] * 2
        columns = {name: [row[name] for row in features.records()] for name in features.columns}
        rows = [{**ROW, "price_usd": 3.0}, {**ROW, "rooms": 4, "price_usd": None, "area": None}]
        golden_rows = {"rows": rows, "features": columns, "scores": expected}
        (folder / GOLDEN).write_text(json.dumps(golden_rows))
        Reference(features, scores).write(folder / REFERENCE)
        write_manifest(folder)
        if judged:
            made = self.judge(version, model=model)
            self.keep(version, made, self.sign(made), model=model)
        return folder

    def judge(self, version: str, *, model: str = "sale", **changed: Any) -> Evidence:
        """Return what the gate would say of a version that is in the registry."""
        bundle = Bundle.open(self.folder / "registry" / model / version)
        made = Evidence(
            model=model,
            training_key="k",
            bundle_digest=bundle.digest,
            verdict=True,
            findings=(),
            measures=(),
            baseline=(),
            champion=(),
            champion_version=None,
            slices=(),
            data_fingerprint="",
            feature_fingerprint=bundle.fingerprint,
            code_version="",
            as_of=datetime(2026, 1, 5, tzinfo=UTC),
            rows=1,
            holdout_rows=1,
            mature_share=1.0,
        )
        return replace(made, **changed)

    def keep(self, version: str, made: Evidence, signature: Signature | None, *, model: str = "sale") -> None:
        """Put evidence into the database, whatever it is worth."""
        with self.database.begin() as connection:
            evidence.save(connection, model, version, made, signature)

    def sign(self, made: Evidence) -> Signature:
        """Sign evidence with the key of the installation."""
        return ensure_keys(self.settings).signing_key().sign("evidence", made.to_json())

    def promote(self, version: str, *, model: str = "sale", who: str = "ada") -> Entry:
        """Write a promotion into the ledger."""
        return self.decide("promoted", version, model=model, who=who)

    def start(self, version: str, rollout: Rollout, *, model: str = "sale") -> Entry:
        """Write the start of a rollout into the ledger."""
        return self.decide("started", version, model=model, rollout=rollout)

    def reports(self, entry: Entry) -> list[RolloutReport]:
        """Return what the serving processes say of a rollout."""
        with self.database.begin() as connection:
            return rollout_reports.read(connection, entry.seq)

    def wait_ready(self, entry: Entry) -> None:
        """Wait until the new version is loaded and reported as such."""
        wait_for(lambda: [report.state for report in self.reports(entry)] == ["ready"])

    def decide(
        self,
        decision: Decision,
        version: str,
        *,
        model: str = "sale",
        who: str = "ada",
        rollout: Rollout | None = None,
        evidence_digest: str | None = None,
    ) -> Entry:
        """Write a row of the ledger."""
        order = Order(
            model=model,
            decision=decision,
            to_version=version,
            who=who,
            why="better",
            rollout=rollout.to_json() if rollout else None,
            evidence_digest=evidence_digest,
        )
        with self.database.begin() as connection:
            return append(connection, order)

    @contextmanager
    def serve(self) -> Iterator[Served]:
        process = make_process(self.settings, fetch=self.fetch)
        server = make_server(process)
        listening = shared_address("127.0.0.1", 0)
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


def write_onnx(path: Path, score: float, fails_above: float) -> None:
    """Write a model of 6 columns with one score for every row; NaN where the first column is too much."""
    logit = np.float32(np.log(score / (1 - score)))
    nodes = [
        helper.make_node("ReduceSum", ["features", "one"], ["sum"], keepdims=0),
        helper.make_node("IsNaN", ["sum"], ["odd"]),
        helper.make_node("Where", ["odd", "logit", "logit"], ["same"]),
        helper.make_node("Gather", ["features", "first"], ["rooms"], axis=1),
        helper.make_node("Greater", ["rooms", "limit"], ["big"]),
        helper.make_node("Where", ["big", "nan", "same"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["score"]),
    ]
    constants = [
        numpy_helper.from_array(np.array([1], dtype=np.int64), "one"),
        numpy_helper.from_array(np.array([logit]), "logit"),
        numpy_helper.from_array(np.array(0, dtype=np.int64), "first"),
        numpy_helper.from_array(np.array([fails_above], dtype=np.float32), "limit"),
        numpy_helper.from_array(np.array([np.nan], dtype=np.float32), "nan"),
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

"""BentoML with ONNX Runtime: typed rows in, one worker a core, with or without its adaptive batching."""

# mypy: ignore-errors
# ruff: noqa: D101, D102 - a script that stands for one of somebody else's

import os
from pathlib import Path

import bentoml
import numpy as np
import onnxruntime
from pydantic import create_model

COLUMNS = [f"signal_{number:02d}" for number in range(28)]
Deal = create_model("Deal", **dict.fromkeys(COLUMNS, (float, ...)))
BATCHING = {"batchable": True, "max_batch_size": 256} if os.environ["BENCH_BATCHING"] == "1" else {}


@bentoml.service(
    workers=int(os.environ["BENCH_WORKERS"]), logging={"access": {"enabled": False}}, traffic={"timeout": 60}
)
class Deals:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(Path(os.environ["BENCH_FOLDER"]) / "plain.onnx", options)

    @bentoml.api(**BATCHING)
    async def predict(self, deals: list[Deal]) -> list[float]:
        rows = np.array([[getattr(deal, name) for name in COLUMNS] for deal in deals], dtype=np.float32)
        return self.session.run(["probabilities"], {"input": rows})[0][:, 1].tolist()

"""FastAPI with ONNX Runtime: a typed body, one session in each worker, one thread."""

# mypy: ignore-errors
# ruff: noqa: D101 - a script that stands for one of somebody else's

import os
from pathlib import Path

import numpy as np
import onnxruntime
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, create_model

COLUMNS = [f"signal_{number:02d}" for number in range(28)]
Deal = create_model("Deal", **dict.fromkeys(COLUMNS, (float, ...)))


class Answer(BaseModel):
    score: float


app = FastAPI()
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(Path(os.environ["BENCH_FOLDER"]) / "plain.onnx", options)


@app.post("/predict")
async def predict(deal: Deal) -> Answer:
    row = np.array([[getattr(deal, name) for name in COLUMNS]], dtype=np.float32)
    probabilities = session.run(["probabilities"], {"input": row})[0]
    return Answer(score=float(probabilities[0, 1]))


if __name__ == "__main__":
    uvicorn.run(
        "fastapi_onnx:app",
        port=int(os.environ["BENCH_PORT"]),
        workers=int(os.environ["BENCH_WORKERS"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )

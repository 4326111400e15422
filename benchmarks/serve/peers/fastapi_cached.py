"""FastAPI with ONNX Runtime and a cache in front of the model: the least recently asked row goes first."""

# mypy: ignore-errors
# ruff: noqa: D101 - a script that stands for one of somebody else's

import os
from functools import lru_cache
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


def score(row):
    return float(session.run(["probabilities"], {"input": np.array([row], dtype=np.float32)})[0][0, 1])


cached = lru_cache(int(os.environ["BENCH_CACHE"]))(score) if os.environ["BENCH_CACHE"] != "0" else score


@app.post("/predict")
async def predict(deal: Deal) -> Answer:
    return Answer(score=cached(tuple(getattr(deal, name) for name in COLUMNS)))


@app.get("/hits")
async def hits():
    return cached.cache_info()._asdict() if cached is not score else {"hits": 0, "misses": 0}


if __name__ == "__main__":
    uvicorn.run(
        "fastapi_cached:app",
        port=int(os.environ["BENCH_PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )

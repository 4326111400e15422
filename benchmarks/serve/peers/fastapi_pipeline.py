"""FastAPI with the pipeline as it was fitted: a typed body, a DataFrame of one row, `predict_proba`."""

# mypy: ignore-errors
# ruff: noqa: D101 - a script that stands for one of somebody else's

import os
from pathlib import Path

import joblib
import pandas as pd
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, create_model

COLUMNS = [f"signal_{number:02d}" for number in range(28)]
Deal = create_model("Deal", **dict.fromkeys(COLUMNS, (float, ...)))


class Answer(BaseModel):
    score: float


app = FastAPI()
pipeline = joblib.load(Path(os.environ["BENCH_FOLDER"]) / "pipeline.joblib")


@app.post("/predict")
async def predict(deal: Deal) -> Answer:
    table = pd.DataFrame([deal.model_dump()])
    return Answer(score=float(pipeline.predict_proba(table)[0, 1]))


if __name__ == "__main__":
    uvicorn.run(
        "fastapi_pipeline:app",
        port=int(os.environ["BENCH_PORT"]),
        workers=int(os.environ["BENCH_WORKERS"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )

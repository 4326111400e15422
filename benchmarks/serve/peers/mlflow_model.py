"""Save the pipeline as MLflow's documentation does: with a signature and its requirements."""

# mypy: ignore-errors
import os
from pathlib import Path

import joblib
import mlflow
import pandas as pd
from mlflow.models import infer_signature

folder = Path(os.environ["BENCH_FOLDER"])
pipeline = joblib.load(folder / "pipeline.joblib")
rows = pd.read_json(folder / "rows.json", dtype=float)
mlflow.sklearn.save_model(
    pipeline,
    folder / "mlflow_model",
    serialization_format="cloudpickle",  # skops, the default, refuses a pipeline with XGBoost inside
    signature=infer_signature(rows, pipeline.predict_proba(rows)),
    pip_requirements=["scikit-learn", "xgboost"],
    pyfunc_predict_fn="predict_proba",
)

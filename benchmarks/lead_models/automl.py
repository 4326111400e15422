"""FLAML's AutoML on the same split, in an environment of its own; what it answered is kept.

A search takes ten minutes by design, so its scores are written beside the rows that it was given, and read
from there the next time: the folder's name is a digest of these rows, the script and its requirements.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.serve.environments import cache, python_with
from estate.core.errors import StackError
from estate.core.frame import Numbers
from estate.core.model_spec import ModelSpec, Task
from estate.training.data import TrainingData
from estate.training.split import Split

PEERS = Path(__file__).parent / "peers"
SEED = 0
_SLACK_SECONDS = 300


@dataclass(frozen=True)
class Found:
    """What AutoML answered.

    Parameters
    ----------
    scores : float64 array of shape (n,)
        Of the test rows.
    best : str
        FLAML's name of the winning learner.
    seconds : float
        That the search and the last fit took.
    """

    scores: Numbers
    best: str
    seconds: float


def search(spec: ModelSpec, parts: Split, seconds: int) -> Found:
    """Let FLAML search for so many seconds on every row that ours is given, on one processor.

    Raises
    ------
    StackError
        If it can't be installed, or fails.
    """
    python = python_with("flaml", PEERS / "flaml.txt")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(spec, parts.train.followed_by(parts.calibration), folder / "train.csv")
        _write(spec, parts.holdout, folder / "test.csv")
        kinds = [name for name in spec.features.names if spec.features.kind(name) == "category"]
        (folder / "columns.json").write_text(json.dumps({"categories": kinds}))
        kept = cache() / "lead_models" / f"{spec.name}-{seconds}-{_digest(folder)}"
        if not (kept / "said.json").exists():
            said = _ask(python, folder, spec.task, seconds)
            kept.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / "scores.csv", kept / "scores.csv")
            (kept / "said.json").write_text(said)
    told = json.loads((kept / "said.json").read_text())
    scores = pd.read_csv(kept / "scores.csv")["score"].to_numpy(np.float64)
    return Found(scores, str(told["best"]), float(told["seconds"]))


def _ask(python: Path, folder: Path, task: Task, seconds: int) -> str:
    kind, metric = ("regression", "mae") if task is Task.REGRESSION else ("classification", "roc_auc")
    script = str(PEERS / "flaml_automl.py")
    command = [str(python), script, str(folder), kind, metric, str(seconds), str(SEED)]
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=2 * seconds + _SLACK_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise StackError("FLAML", expected=f"an answer after {seconds} s", got="none") from error
    if ran.returncode:
        raise StackError("FLAML", expected="scores", got=(ran.stderr.strip() or "nothing").splitlines()[-1])
    return ran.stdout.strip().splitlines()[-1]


def _write(spec: ModelSpec, rows: TrainingData, path: Path) -> None:
    table = pd.DataFrame({name: rows.features[name] for name in spec.features.names})
    table["y"] = rows.y if spec.task is Task.REGRESSION else rows.y.astype(np.int64)
    table.to_csv(path, index=False)


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in (*sorted(folder.iterdir()), *sorted(PEERS.glob("flaml*"))):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]

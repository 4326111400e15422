"""Who is measured: ours, its peers and its floors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.serve.environments import python_with
from benchmarks.serve.material import MODEL

PEERS = Path(__file__).with_name("peers")
ROOT = Path(__file__).parents[2]
OURS, MLFLOW, RAY, FASTAPI_ONNX, ECHO = (
    "leadloop",
    "mlflow models serve",
    "Ray Serve, ONNX",
    "FastAPI + ONNX",
    "bare ASGI echo",
)
PROTOCOL = "asyncio protocol echo"


@dataclass(frozen=True)
class Ground:
    """Where a server is started: its port, the folder with the model's forms, how many workers."""

    port: int
    folder: Path
    workers: int


@dataclass(frozen=True, kw_only=True)
class Server:
    """One way of answering.

    Parameters
    ----------
    name : str
    kind : str
        ``ours``, ``peer`` or ``floor``; a floor gives no score.
    command : callable
        From the Python of its environment to what is run.
    path : str
        Where it is asked.
    body : callable
        From a row to what is posted.
    score : callable
        From the answer to the score.
    choices : mapping of str to mapping
        Configurations by name, as environment variables; the fastest at 64 connections is measured.
    variables : mapping of str to str
        Environment variables.
    requirements : str
        Name of the file of pins, where it has an environment of its own.
    everywhere : bool
        Some of its ports listen on every interface, whatever it is told.
    cwd : Path
    """

    name: str
    kind: Literal["ours", "peer", "floor"]
    command: Callable[[Path, Ground], list[str]]
    path: str = "/predict"
    body: Callable[[Mapping[str, float]], object] = dict
    score: Callable[[Any], float] = lambda answer: float(answer["score"])
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: {"": {}})
    variables: Mapping[str, str] = field(default_factory=dict)
    requirements: str = ""
    everywhere: bool = False
    cwd: Path = PEERS

    @property
    def python(self) -> Path:
        """The Python that runs it; its environment is made if it is not there.

        Raises
        ------
        StackError
            If it can't be made.
        """
        if not self.requirements:
            return Path(sys.executable)
        return python_with(self.requirements.partition(".")[0], PEERS / self.requirements)


def ours(variables: Mapping[str, str]) -> Server:
    """Return this project's server; the variables say where its home and its database are."""
    return Server(
        name=OURS,
        kind="ours",
        command=_serving,
        path=f"/v1/models/{MODEL}/predict",
        body=lambda row: {"rows": [row]},
        score=lambda answer: float(answer["predictions"][0]["score"]),
        variables=variables,
        cwd=ROOT,
    )


def floors() -> list[Server]:
    """Return what answers without a model: an ASGI application on the same HTTP stack; a bare protocol."""
    return [
        Server(name=ECHO, kind="floor", command=_script("asgi_echo.py")),
        Server(name=PROTOCOL, kind="floor", command=_script("protocol_echo.py")),
    ]


def peers() -> list[Server]:
    """Return the others."""
    optimized = {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}
    return [
        Server(
            name=MLFLOW,
            kind="peer",
            command=_mlflow,
            path="/invocations",
            body=lambda row: {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}},
            score=lambda answer: float(answer["predictions"][0][1]),
            variables={"MLFLOW_DISABLE_TELEMETRY": "true"},
        ),
        Server(
            name="BentoML, ONNX",
            kind="peer",
            command=_bentoml,
            requirements="bentoml.txt",
            body=lambda row: {"deals": [row]},
            score=lambda answer: float(answer[0]),
            choices={"no batching": {"BENCH_BATCHING": "0"}, "adaptive batching": {"BENCH_BATCHING": "1"}},
            variables={"BENTOML_DO_NOT_TRACK": "true"},
        ),
        Server(
            name=RAY,
            kind="peer",
            command=_script("ray_service.py"),
            requirements="ray.txt",
            everywhere=True,
            choices={
                "throughput-optimized": {"BENCH_BATCHING": "0", **optimized},
                "HAProxy": {"BENCH_BATCHING": "0", "RAY_SERVE_ENABLE_HA_PROXY": "1", **optimized},
                "HAProxy, batching": {"BENCH_BATCHING": "1", "RAY_SERVE_ENABLE_HA_PROXY": "1", **optimized},
            },
            variables={"RAY_USAGE_STATS_ENABLED": "0"},
        ),
        Server(name="FastAPI + pipeline", kind="peer", command=_script("fastapi_pipeline.py")),
        Server(name=FASTAPI_ONNX, kind="peer", command=_script("fastapi_onnx.py")),
    ]


def cached_service(room: int) -> Server:
    """Return FastAPI + ONNX in one process with a cache for so many rows; 0: without."""
    return Server(
        name="FastAPI + ONNX, cached",
        kind="peer",
        command=_script("fastapi_cached.py"),
        variables={"BENCH_CACHE": str(room)},
    )


def takes_workers() -> bool:
    """Return whether ``python -m serving`` can be told the number of its workers."""
    asked = [sys.executable, "-m", "serving", "--help"]
    return "--workers" in subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _serving(python: Path, ground: Ground) -> list[str]:
    command = [str(python), "-m", "serving", "--host", "127.0.0.1", "--port", str(ground.port)]
    return [*command, "--workers", str(ground.workers)] if takes_workers() else command


def _script(name: str) -> Callable[[Path, Ground], list[str]]:
    return lambda python, _: [str(python), name]


def _mlflow(python: Path, ground: Ground) -> list[str]:
    model = ground.folder / "mlflow_model"
    local = ["--env-manager", "local", "--host", "127.0.0.1"]
    size = ["--port", str(ground.port), "--workers", str(ground.workers)]
    return [str(python), "-m", "mlflow", "models", "serve", "--model-uri", str(model), *local, *size]


def _bentoml(python: Path, ground: Ground) -> list[str]:
    place = ["--host", "127.0.0.1", "--port", str(ground.port)]
    return [str(python), "-m", "bentoml", "serve", "bentoml_service:Deals", *place]

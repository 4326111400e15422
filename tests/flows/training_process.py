"""Processes that run the flow `retrain` against a running stack, told apart step by step, to be killed."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from estate.core.settings import Settings

ROOT = Path(__file__).parents[2]

# Imports once, uses the heavy libraries once, and forks for each training, which saves most of its seconds.
# Prefect's own hooks say which step begins and which one ends: nothing in the flow knows of this.
PROGRAM = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
import mlflow
import flows.retrain as module
import model_registry.model_folder
from estate.core.prediction import Scores
from estate.training.check import check_rows
from estate.training.export import to_onnx
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.plots import draw_plots
from estate.training.split import split_by_time
from prefect import Task
from tests.specs import days_spec, write_homes

with TemporaryDirectory() as folder:
    spec = days_spec(write_homes(Path(folder) / "homes.csv", rows=200))
    data = extract(spec, None, as_of=datetime.now(UTC))
    check_rows(spec, data)
    to_onnx(fit(spec, split_by_time(spec, data)))
    draw_plots(spec.task, data.y, Scores(data.y), {"rooms": 1.0}, folder=Path(folder))

events = int(sys.argv[1])

def say(*words):
    os.write(events, (chr(9).join(map(str, words)) + chr(10)).encode())

for task in vars(module).values():
    if isinstance(task, Task):
        task.on_running(lambda task, run, state: say("began", task.name))
        task.on_completion(lambda task, run, state: say("ended", task.name))

say("ready")
for line in sys.stdin:
    model, request_id = line.split()
    child = os.fork()
    if child == 0:
        os.setsid()
        say("started", os.getpid())
        try:
            asked = {"cause": "schedule"} if request_id == "none" else {"request_id": request_id}
            version = module.retrain(model=model, **asked)
            say("returned", version)
        except BaseException as error:
            say("raised", type(error).__name__, str(error).replace(chr(10), " "))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    say("exited", os.waitstatus_to_exitcode(status))
"""


@dataclass
class Running:
    """One training in a process of its own."""

    pid: int
    began: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    result: str = ""
    exit_code: int | None = None


class TrainingProcess:
    """Runs trainings one after the other, each in a fork of a process that has imported everything."""

    def __init__(self, stack: Settings) -> None:
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("LEADLOOP_", "PREFECT_"))
        }
        environment = {
            **kept,
            "LEADLOOP_HOME": str(stack.home),
            "LEADLOOP_MODELS": ":".join(map(str, stack.models)),
            "PREFECT_API_URL": stack.endpoint("prefect_url"),
            "PREFECT_HOME": str(stack.home / "prefect"),
            "PREFECT_LOGGING_TO_API_ENABLED": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "1",
        }
        events, told = os.pipe()
        self.log = (stack.home / "logs" / f"training-{uuid.uuid4().hex[:6]}.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(told)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
            pass_fds=(told,),
            text=True,
        )
        os.close(told)
        self.events, self._read = events, b""
        assert self._next() == ["ready"]

    def start(self, model: str, request_id: str) -> Running:
        """Start a training of a request."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{model} {request_id}\n")
        self.process.stdin.flush()
        word, pid = self._next()
        assert word == "started"
        return Running(int(pid))

    def follow(self, running: Running, *, until: str | None = None) -> None:
        """Read what it says until a step of that name begins, or until its process is gone."""
        while running.exit_code is None:
            self._take(running, self._next())
            if until is not None and running.began[-1:] == [until]:
                return

    def kill(self, running: Running) -> None:
        """Send SIGKILL to the training and all its processes, and wait until it is gone."""
        os.killpg(running.pid, signal.SIGKILL)
        self.follow(running)

    def run(self, model: str, request_id: str = "none") -> Running:
        """Run a training to its end; without a request as a schedule starts it."""
        running = self.start(model, request_id)
        self.follow(running)
        return running

    def close(self) -> None:
        """End the process and what it started."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.events)
        self.log.close()

    def _take(self, running: Running, words: list[str]) -> None:
        match words:
            case ["began", name]:
                running.began.append(name)
            case ["ended", name]:
                running.ended.append(name)
            case ["exited", code]:
                running.exit_code = int(code)
            case ["returned" | "raised", *rest]:
                running.result = " ".join(rest)
            case _:
                raise AssertionError(f"not understood: {words}")

    def _next(self, *, seconds: float = 120.0) -> list[str]:
        until = time.monotonic() + seconds
        while b"\n" not in self._read:
            ready, _, _ = select.select([self.events], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"silent for {seconds} s; see {self.log.name}"
            part = os.read(self.events, 4096)
            assert part, f"the process ended; see {self.log.name}"
            self._read += part
        line, _, self._read = self._read.partition(b"\n")
        return line.decode().split("\t")


@contextmanager
def training_process(stack: Settings) -> Iterator[TrainingProcess]:
    """Give a process that is ended in any case."""
    made = TrainingProcess(stack)
    try:
        yield made
    finally:
        made.close()

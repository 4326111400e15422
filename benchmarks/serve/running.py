"""A server that runs: started until its first right answer, and stopped with every process that it made."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.serve import processes
from benchmarks.serve.material import Material
from benchmarks.serve.servers import Ground, Server
from estate.core.errors import StackError

RIGHT = 1e-5
"""Most difference to the reference that a score may have."""
_MARK = "LEADLOOP_BENCH_MARK"
_NOT_HANDED_ON = ("LEADLOOP_", "RAY_", "PYTHONDONTWRITEBYTECODE")  # with the last, every start compiles anew
_START_SECONDS = 180.0
_PAUSE_SECONDS = 0.01
_AGAIN_SECONDS = 30.0
_SETTLE_SECONDS, _LOOK_SECONDS, _IDLE = 20.0, 1.0, 0.15


@dataclass
class Running:
    """A running server.

    Parameters
    ----------
    server : Server
    port, pid : int
    mark : str
    cold_start_s : float
        From the start of the process to the first right answer.
    answered : int
        Requests that were answered with 200, those of the load included.
    refused : int
        Requests of the check, after the first right answer, that had to be sent again.
    refusal : str
        What came instead of the last answer that was none.
    family : set of int
        Its processes, as they were last seen.
    """

    server: Server
    port: int
    pid: int
    mark: str
    cold_start_s: float = 0.0
    answered: int = 0
    refused: int = 0
    refusal: str = ""
    family: set[int] = field(default_factory=set)

    @property
    def url(self) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{self.port}{self.server.path}"

    def look(self) -> set[int]:
        """Return its processes now."""
        self.family = processes.family(self.pid, self.mark, self.family)
        return self.family

    def settle(self) -> None:
        """Wait until it has done what it does after its start, such as imports in the background."""
        until = time.monotonic() + _SETTLE_SECONDS
        busy = True
        while busy and time.monotonic() < until:
            before = processes.cpu_seconds(self.look())
            time.sleep(_LOOK_SECONDS)
            busy = processes.cpu_seconds(self.family) - before > _IDLE * _LOOK_SECONDS

    def ask(self, row: Mapping[str, float]) -> Any:
        """Return the answer to one row; None where there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            body = json.dumps(self.server.body(row))
            connection.request("POST", self.server.path, body, {"content-type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != http.client.OK:
                self.refusal = f"{answer.status} {content[:200].decode(errors='replace')}"
                return None
            self.answered += 1
            return json.loads(content)
        except (OSError, http.client.HTTPException) as error:
            self.refusal = repr(error)
            return None
        finally:
            connection.close()

    def difference(self, material: Material, rows: int) -> float:
        """Return how far its scores are from the right ones at most; a floor has none.

        Raises
        ------
        StackError
            If a row gets no answer.
        """
        if self.server.kind == "floor":
            return 0.0
        most = 0.0
        for row, expected in zip(material.rows[:rows], material.scores[:rows], strict=True):
            answer = self._ask_again(row)
            most = max(most, abs(self.server.score(answer) - float(expected)))
        return most

    def _ask_again(self, row: Mapping[str, float]) -> Any:
        """Ask until there is an answer: one worker may be ready while another is not."""
        until = time.monotonic() + _AGAIN_SECONDS
        while (answer := self.ask(row)) is None:
            self.refused += 1
            if time.monotonic() > until:
                raise StackError(self.server.name, expected="an answer to a good row", got=self.refusal)
            time.sleep(_PAUSE_SECONDS)
        return answer


@contextmanager
def started(server: Server, choice: str, material: Material, workers: int) -> Iterator[Running]:
    """Start a server and wait for its first right answer; stop all of it at the end.

    Raises
    ------
    StackError
        If it can't be installed or gives no right answer; with its last words.
    """
    ground = Ground(_free_port(), material.folder, workers)
    command, mark = server.command(server.python, ground), uuid.uuid4().hex
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith(_NOT_HANDED_ON)},
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
        "HOME": str(material.folder),  # what tools leave there goes with it
        "BENCH_FOLDER": str(material.folder),
        "BENCH_PORT": str(ground.port),
        "BENCH_WORKERS": str(workers),
        **server.variables,
        **server.choices[choice],
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        _MARK: mark,
    }
    log = material.folder / f"{server.name}.log".replace(" ", "_")
    with log.open("wb") as output:
        began = time.monotonic()
        process = subprocess.Popen(
            command, env=variables, cwd=server.cwd, stdout=output, stderr=output, start_new_session=True
        )
        running = Running(server, ground.port, process.pid, f"{_MARK}={mark}")
        try:
            _wait(running, process, material, log)
            running.cold_start_s = time.monotonic() - began
            running.look()
            yield running
        finally:
            processes.end(process, running.mark, running.family)


def _wait(running: Running, process: subprocess.Popen[bytes], material: Material, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        answer = running.ask(material.rows[0])
        if answer is not None:
            scoreless = running.server.kind == "floor"
            if scoreless or abs(running.server.score(answer) - float(material.scores[0])) <= RIGHT:
                return
        time.sleep(_PAUSE_SECONDS)
    last = [line for line in log.read_text(errors="replace").splitlines() if line.strip()][-1:]
    raise StackError(
        running.server.name,
        expected=f"a right answer within {_START_SECONDS:g} s",
        got=last[0][:300] if last else "nothing",
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""A supervisor over tiny real parts, run in a process of its own, so that it can be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.stack.guard import marked, sweep
from infra.stack.status import StackStatus, read_written_status

ROOT = Path(__file__).parents[2]

PROGRAM = """
import asyncio, json, sys, os
from pathlib import Path
from infra.stack.health import Alive, Finished
from infra.stack.keeper import Place
from infra.stack.lock import take_lock
from infra.stack.part import Part
from infra.stack.supervisor import Supervisor

home = Path(sys.argv[1])
lock = take_lock(home)
assert lock
parts = tuple(
    Part(name=name, command=(sys.executable, "-c", code), needs=tuple(needs), stop_s=0.5, patience_s=3,
         health=Finished() if name.startswith("step") else Alive(2.0 if name == "bad" else 0.05))
    for name, code, needs in json.loads(sys.argv[2])
)
async def main():
    return await Supervisor(parts, Place(home, home, dict(os.environ))).run()
sys.exit(0 if asyncio.run(main()) else 1)
"""


class TinyStack:
    """A supervisor's process and its home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *parts: tuple[str, str, list[str]]) -> subprocess.Popen[bytes]:
        """Start a supervisor over parts given as name, Python code and needs."""
        command = [sys.executable, "-c", PROGRAM, str(self.home), json.dumps(parts)]
        self.process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        return self.process

    def wait_for(self, condition: Callable[[StackStatus], bool], *, seconds: float = 20.0) -> StackStatus:
        """Return the first written status of which the condition is true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = read_written_status(self.home)
            if status is not None and condition(status):
                return status
            time.sleep(0.02)
        raise AssertionError(f"never came: {read_written_status(self.home)}")

    def up(self, *parts: tuple[str, str, list[str]]) -> StackStatus:
        """Start and wait until all is up."""
        self.start(*parts)
        return self.wait_for(lambda status: status.state == "up")

    def end(self, how: signal.Signals) -> int:
        """Send a signal to the supervisor and wait for its end."""
        assert self.process
        os.kill(self.process.pid, how)
        return self.process.wait(20)

    def wait_until_empty(self, *, seconds: float = 10.0) -> None:
        """Fail if processes with the mark of this home are still there in the end."""
        deadline = time.monotonic() + seconds
        while left := list(marked(self.home)):
            assert time.monotonic() < deadline, f"left behind: {left}"
            time.sleep(0.02)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[TinyStack]:
    """Return a home of a stack of tiny parts; nothing of it lives after the test."""
    stack = TinyStack(tmp_path)
    yield stack
    if stack.process and stack.process.poll() is None:
        stack.process.kill()
        stack.process.wait()
    sweep(tmp_path)

"""Clients that ask without a pause: `wrk` where it is installed, else a small generator of our own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serve import processes
from benchmarks.serve.running import Running
from estate.core.errors import StackError

_SCRIPT = Path(__file__).with_name("wrk.lua")
_TIMEOUT_SECONDS = 30
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Load:
    """What one stretch of load showed.

    Parameters
    ----------
    requests_s : float
        Answers with a good status, a second.
    p50_ms, p95_ms, p99_ms : float
    answered, errors : int
    generator : float
        Share of one core that the generator took.
    server_ms : float
        Processor time of the server a request, in milliseconds.
    memory : Memory
        The most that the server held.
    """

    requests_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    answered: int
    errors: int
    generator: float
    server_ms: float
    memory: processes.Memory


def generator() -> str:
    """Return the name of the generator that is used."""
    return "wrk" if shutil.which("wrk") else "own generator (wrk is not installed)"


def press(running: Running, bodies: Path, connections: int, seconds: float) -> Load:
    """Ask over so many connections at once, each with the next request after the answer.

    Raises
    ------
    StackError
        If the generator fails; with its last words.
    """
    before, began = processes.cpu_seconds(running.look()), time.monotonic()
    process = subprocess.Popen(
        _command(running.url, bodies, connections, seconds),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=_ROOT,
        start_new_session=True,
    )
    try:
        held = _watch(running, began, seconds)
        printed, status, usage = _collected(process)
    finally:
        if process.returncode is None:
            process.kill()
            process.wait()
    took = processes.cpu_seconds(running.look()) - before
    last = printed.strip().splitlines()[-1:]
    if status or not last or not last[0].startswith("{"):
        raise StackError("load generator", expected="one line of JSON", got="".join(last)[:200] or "nothing")
    found = json.loads(last[0])
    answered = found["requests"] - found["status"]
    # More unanswered requests than connections that waited at the end: the server hung up on the others.
    dropped = max(0, found["sent"] - found["requests"] - found["socket"] - connections)
    running.answered += answered
    return Load(
        requests_s=answered / found["seconds"],
        p50_ms=found["p50_ms"],
        p95_ms=found["p95_ms"],
        p99_ms=found["p99_ms"],
        answered=answered,
        errors=found["status"] + found["socket"] + dropped,
        generator=usage / found["seconds"],
        server_ms=1000 * took / max(1, answered),
        memory=held,
    )


def _command(url: str, bodies: Path, connections: int, seconds: float) -> list[str]:
    if shutil.which("wrk"):
        size = [
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            f"{_TIMEOUT_SECONDS}s",
        ]
        return ["wrk", *size, "-s", str(_SCRIPT), url, "--", str(bodies)]
    own = [sys.executable, "-m", "benchmarks.serve.closed_loop", url, str(bodies)]
    return [*own, str(connections), str(seconds)]


def _watch(running: Running, began: float, seconds: float) -> processes.Memory:
    """Look at the server's memory in the middle and near the end; return the most."""
    seen = []
    for share in (0.5, 0.9):
        time.sleep(max(0.0, began + share * seconds - time.monotonic()))
        seen.append(processes.memory(running.look()))
    return processes.Memory(max(found.rss for found in seen), max(found.pss for found in seen))


def _collected(process: subprocess.Popen[str]) -> tuple[str, int, float]:
    """Return what the generator printed, its exit code and its processor time."""
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    return printed, process.returncode, usage.ru_utime + usage.ru_stime

"""The parts of the benchmark of serving: judgement, generator, processes, count of answers."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from benchmarks.serve import processes
from benchmarks.serve.goals import goals_of
from benchmarks.serve.home import Home
from benchmarks.serve.load import Load
from benchmarks.serve.measuring import Seen
from benchmarks.serve.prediction_count import PredictionCount
from benchmarks.serve.servers import OURS, PEERS, Server, floors, ours, peers

ROOT = Path(__file__).parents[2]
NO_HOME = Home(Path("nowhere"), "", Path("nowhere"))


def load(requests_s: float, p99_ms: float, errors: int = 0) -> Load:
    return Load(requests_s, 1.0, 2.0, p99_ms, 100, errors, 0.5, 0.1, processes.Memory(100.0, 50.0))


def seen(server: Server, requests_s: float, p99_ms: float, *, cold: float = 1.0, errors: int = 0) -> Seen:
    made = Seen(server, cold_starts_s=[cold])
    for connections in (64, 1000):
        made.loads[connections].append(load(requests_s, p99_ms, errors))
    return made


def met(others: list[Seen], mine: Seen, log: PredictionCount | None = None) -> dict[str, object]:
    log = log or PredictionCount(NO_HOME)
    return {str(goal["goal"]): goal["met"] for goal in goals_of(mine, others, log, most=1000)}


def test_goals_are_met_where_ours_is_far_ahead() -> None:
    others = [
        seen(server, 10.0 if server.kind == "peer" else 1500.0, 100.0) for server in (*floors(), *peers())
    ]
    judged = met(others, seen(ours({}), 1000.0, 10.0))
    assert len(judged) == 4 + 2 * len(peers()) + 4
    assert all(judged.values())
    assert all(" at most " in text or " at least " in text for text in judged)


def test_a_peer_that_was_not_measured_was_not_beaten() -> None:
    others = [Seen(server, problem="no network") for server in peers()]
    judged = met(others, seen(ours({}), 1000.0, 10.0))
    assert not any(verdict for text, verdict in judged.items() if "over" in text)


def test_one_slow_tail_errors_a_late_start_and_a_lost_answer_are_each_seen() -> None:
    fast = seen(peers()[0], 10.0, 100.0)
    fast.loads[64] = [load(10.0, 1.0)]
    judged = met(
        [fast], seen(ours({}), 1000.0, 10.0, cold=3.1, errors=1), PredictionCount(NO_HOME, answered=1)
    )
    unmet = [text.split(" at ")[0] for text, verdict in judged.items() if not verdict]
    assert len(unmet) == 4
    assert unmet[0].startswith("p99 over that of")


def test_the_log_is_judged_by_counts_and_by_names() -> None:
    kept = PredictionCount(NO_HOME, answered=100, cut=10, kept=105, named=5, named_kept=5)
    assert (kept.missing, kept.surplus) == (0, 0)
    kept.kept, kept.named_kept = 111, 4
    assert (kept.missing, kept.surplus) == (1, 1)
    kept.kept = 99
    assert (kept.missing, kept.surplus) == (2, 0)


def test_rows_say_why_a_server_was_not_measured() -> None:
    (row,) = Seen(peers()[0], problem="no such package").rows()
    assert row["configuration"] == "no such package"


def test_every_peer_has_its_script_or_its_pins() -> None:
    assert {path.name for path in PEERS.glob("*.txt")} == {"bentoml.txt", "ray.txt"}
    assert not (PEERS / "__init__.py").exists()  # not a package: the house's arrows do not reach there
    assert OURS not in {server.name for server in (*peers(), *floors())}


@pytest.fixture
def echo() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "BENCH_PORT": str(port), "BENCH_WORKERS": "2", "BENCH_TEST": str(port)}
    command = [sys.executable, str(PEERS / "protocol_echo.py")]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        url = f"http://127.0.0.1:{port}/predict"
        for _ in range(200):
            try:
                urlopen(url, timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield url
    finally:
        processes.end(process, f"BENCH_TEST={port}")
    assert not processes.family(process.pid, f"BENCH_TEST={port}")


def test_our_own_generator_counts_every_answer_and_writes_its_id_down(echo: str, tmp_path: Path) -> None:
    bodies, ids = tmp_path / "bodies", tmp_path / "ids"
    bodies.write_text('{"a": 1}\n{"a": 2}\n')
    command = [sys.executable, "-m", "benchmarks.serve.closed_loop", echo, str(bodies), "8", "0.3", str(ids)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(ran.stdout)
    assert found["status"] == found["socket"] == 0
    assert found["requests"] > 8
    assert len(ids.read_text().split()) == found["requests"]
    assert 0 < found["p50_ms"] <= found["p95_ms"] <= found["p99_ms"]


def test_a_server_ends_with_all_that_it_started() -> None:
    """A child in a session of its own that hears no SIGTERM, and outlives the one who started it."""
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    parent = (
        "import subprocess, sys, time;"
        f"subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True); time.sleep(60)"
    )
    mark = f"BENCH_TEST=orphan-{os.getpid()}"
    environment = {**os.environ, "BENCH_TEST": mark.partition("=")[2]}
    process = subprocess.Popen([sys.executable, "-c", parent], env=environment, start_new_session=True)
    until = time.monotonic() + 20
    while len(processes.family(process.pid, mark)) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(processes.family(process.pid, mark)) == 2
    assert processes.memory(processes.family(process.pid, mark)).rss > 1
    os.kill(process.pid, signal.SIGKILL)  # the benchmark still finds the orphan
    process.wait()
    processes.end(process, mark, grace_seconds=0.2)
    assert processes.family(process.pid, mark) == set()

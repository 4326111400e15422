"""Several processes on one port: all answer, each may die, none outlives the parent."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys

import httpx
import psutil
import pytest

from serving import workers as module
from serving.sockets import free_address
from serving.workers import Workers, _Child
from tests.serving.fleet import ROOT, Callers, Fleet, fleet, kill, wait_until_kept
from tests.serving.shop import ROW, Shop, wait_for
from tests.serving.test_start import environment


def names_of(fleet: Fleet) -> set[str]:
    """Return the processes whose memory is in the metrics."""
    text = httpx.get(f"{fleet.url}/metrics", timeout=30).text
    lines = [line for line in text.splitlines() if line.startswith("leadloop_memory_bytes{")]
    return {line.split('pid="')[1].split('"')[0] for line in lines}


def connected(process: psutil.Process) -> int:
    return sum(one.status == psutil.CONN_ESTABLISHED for one in process.net_connections("inet"))


@pytest.mark.thorough
def test_two_workers_share_a_port_and_both_answer(shop: Shop) -> None:
    with fleet(shop) as running:
        clients = [httpx.Client(base_url=running.url, timeout=30) for _ in range(40)]
        for client in clients:
            assert client.post("/v1/models/sale/predict", json={"rows": [ROW]}).status_code == 200
        assert all(connected(worker) > 0 for worker in running.workers())
        for client in clients:
            client.close()
        wait_for(lambda: names_of(running) == {"worker-0", "worker-1"})
        text = httpx.get(f"{running.url}/metrics", timeout=30).text
        counted = [line for line in text.splitlines() if line.startswith("leadloop_requests_total{")]
        answered = [line for line in counted if 'status="200"' in line and 'route="predict"' in line]
        assert sum(float(line.split()[-1]) for line in answered) == 40


@pytest.mark.thorough
def test_a_worker_that_is_killed_is_replaced_and_no_acknowledged_answer_is_missing(shop: Shop) -> None:
    with fleet(shop) as running:
        before = running.workers()
        with Callers(running.url) as callers:
            callers.more(200)
            wait_for(lambda: connected(before[0]) > 0)
            kill(before[0])
            callers.more(200)  # the other one goes on
            wait_for(lambda: len(set(running.workers()) - {before[0]}) == 2, seconds=60)
            callers.more(100)
        assert before[1] in running.workers()
        assert set(callers.statuses) == {200}
        wait_until_kept(shop.database.url, callers.acknowledged)


@pytest.mark.thorough
def test_a_shipper_that_is_killed_is_replaced_and_ships_nothing_twice(shop: Shop) -> None:
    with fleet(shop) as running:
        (shipper,) = set(running.children()) - set(running.workers())
        with Callers(running.url) as callers:
            callers.more(100)
            kill(shipper)
            callers.more(100)
        assert callers.broken == 0
        wait_until_kept(shop.database.url, callers.acknowledged)
        assert shipper not in running.children()


@pytest.mark.thorough
def test_no_process_outlives_a_parent_that_is_killed(shop: Shop) -> None:
    with fleet(shop) as running:
        children = running.children()
        assert len(children) == 3
        with Callers(running.url) as callers:
            callers.more(50)
            running.parent.send_signal(signal.SIGKILL)
            _, alive = psutil.wait_procs(children, timeout=60)
        assert alive == []
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{running.url}/health/live")
    with fleet(shop):  # what they left on disk is shipped by whoever comes next
        wait_until_kept(shop.database.url, callers.acknowledged)


@pytest.mark.thorough
def test_sigterm_ends_all_and_no_acknowledged_answer_is_missing(shop: Shop) -> None:
    with fleet(shop) as running:
        children = running.children()
        with Callers(running.url) as callers:
            callers.more(200)
            running.parent.send_signal(signal.SIGTERM)
            _, errors = running.parent.communicate(timeout=60)
        assert running.parent.returncode == 0, errors
        assert "Traceback" not in errors
        assert not any(child.is_running() for child in children)
        assert set(callers.statuses) == {200}
        wait_until_kept(shop.database.url, callers.acknowledged, seconds=1)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_one_sentence(shop: Shop, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = subprocess.run(
            [sys.executable, "-m", "serving", "--port", str(port), "--workers", workers],
            capture_output=True, text=True, check=False, cwd=ROOT, env=environment(shop), timeout=120,
        )  # fmt: skip
    assert ran.returncode == 1
    assert ran.stderr.strip().splitlines() == [
        f"address 127.0.0.1:{port}: expected one that is free, got Address already in use. "
        "Choose another port with --port, or stop what listens there."
    ]


def test_what_dies_at_once_is_started_later_and_later(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    monkeypatch.setattr(logging, "shutdown", lambda: None)  # the child is a copy of this process
    with free_address("127.0.0.1", 0) as address:
        parent = Workers(shop.settings, address, 1)
    parent._shared.prepare()
    parent._theirs, parent._ours = os.pipe()
    child = _Child("worker-0", lambda: 3, due=now[0])
    pauses = []
    for _ in range(9):
        parent._tend(child)
        assert child.process is not None, "it was not started when it was due"
        wait_for(lambda: _ended(child))
        parent._tend(child)
        pauses.append(round(child.due - now[0], 3))
        now[0] = child.due - 0.001
        parent._tend(child)
        assert child.process is None, "it was started too early"
        now[0] = child.due
    assert pauses == [0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 10.0, 10.0, 10.0]
    parent._tend(child)
    wait_for(lambda: _ended(child))
    now[0] += 60  # this one lived for a while
    parent._tend(child)
    assert child.due == now[0]
    if child.process is not None:
        wait_for(lambda: _ended(child))
    for end in (parent._theirs, parent._ours):
        os.close(end)


def _ended(child: _Child) -> bool:
    return child.process is not None and child.process.poll() is not None

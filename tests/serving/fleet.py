"""Several real serving processes on one port, and callers that ask them all the time."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import psycopg

from tests.serving.shop import ROW, Shop, wait_for
from tests.serving.test_start import environment, is_up

ROOT = Path(__file__).parents[2]


@dataclass
class Fleet:
    """A parent with its children."""

    parent: subprocess.Popen[str]
    url: str

    def children(self) -> list[psutil.Process]:
        """Return the processes that answer or ship, oldest first."""
        found = psutil.Process(self.parent.pid).children()
        return sorted(found, key=lambda one: one.create_time())

    def workers(self) -> list[psutil.Process]:
        """Return those that listen."""
        return [one for one in self.children() if _listens(one)]

    def wait_for_workers(self, count: int) -> list[psutil.Process]:
        wait_for(lambda: len(self.workers()) == count, seconds=60)
        return self.workers()


def _listens(process: psutil.Process) -> bool:
    try:
        return any(one.status == psutil.CONN_LISTEN for one in process.net_connections("inet"))
    except psutil.NoSuchProcess:
        return False


@contextmanager
def fleet(shop: Shop, workers: int = 2, **variables: str) -> Iterator[Fleet]:
    """Start them; all are gone afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "serving", "--port", str(port), "--workers", str(workers)]
    parent = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env=environment(shop) | variables,
    )  # fmt: skip
    made = Fleet(parent, f"http://127.0.0.1:{port}")
    family: list[psutil.Process] = []
    try:
        wait_for(lambda: is_up(made.url), seconds=60)
        made.wait_for_workers(workers)
        family = made.children()
        yield made
    finally:
        for one in family + (made.children() if parent.poll() is None else []):
            if one.is_running():
                one.kill()
        parent.kill()
        parent.communicate()


@dataclass
class Callers:
    """Threads that ask on connections of their own, and connect again where one breaks."""

    url: str
    count: int = 4
    acknowledged: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    broken: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Callers:
        self._threads = [threading.Thread(target=self._ask) for _ in range(self.count)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def more(self, count: int) -> None:
        """Wait until so many more are answered."""
        wanted = len(self.acknowledged) + count
        wait_for(lambda: len(self.acknowledged) >= wanted, seconds=60)

    def _ask(self) -> None:
        while not self._done.is_set():
            try:
                with httpx.Client(base_url=self.url, timeout=30) as client:
                    self._ask_on(client)
            except httpx.TransportError:
                self.broken += 1
                self._done.wait(0.02)

    def _ask_on(self, client: httpx.Client) -> None:
        for _ in range(10):  # then another connection, so that all workers get some
            if self._done.is_set():
                return
            answer = client.post("/v1/models/sale/predict", json={"rows": [ROW]})
            self.statuses.append(answer.status_code)
            if answer.status_code == 200:
                self.acknowledged.append(answer.json()["predictions"][0]["id"])


def times_kept(url: str, ids: Sequence[str]) -> list[int]:
    """Return how often each prediction is in the log."""
    query = "SELECT prediction_id::text, count(*) FROM predictions GROUP BY 1"
    with psycopg.connect(url) as connection:
        found: dict[str, int] = dict(connection.execute(query).fetchall())
    return [found.get(one, 0) for one in ids]


def wait_until_kept(url: str, ids: Sequence[str], *, seconds: float = 60) -> None:
    """Wait until each is there, then see that none is there twice."""
    wait_for(lambda: all(times_kept(url, ids)), seconds=seconds)
    assert times_kept(url, ids) == [1] * len(ids)


def kill(process: psutil.Process) -> None:
    """Kill a process as nobody can prevent, and see that it is gone."""
    os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)

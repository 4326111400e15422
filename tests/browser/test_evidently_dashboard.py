"""Evidently's own dashboard over the runs that the watch adds, in a browser that reaches nothing else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from monitoring.evidently_run import run_evidently
from monitoring.evidently_workspace import add_run
from tests.browser.conftest import Saving
from tests.browser.pages import Page

pytestmark = pytest.mark.browser

KEPT = 3


def test_runs_are_drawn_over_time_without_a_network(browser: WebDriver, save: Saving, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for moved in range(KEPT + 2):
        before = {"budget_usd": random.normal(0.0, 1.0, 500)}
        now = {"budget_usd": random.normal(0.3 * moved, 1.0, 200)}
        add_run(tmp_path, "churn", run_evidently(before, now, p_value=0.001), keep=KEPT)
    (project,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert len(list((project / "snapshots").glob("*.json"))) == KEPT
    with dashboard(tmp_path) as address:
        home = Page(browser, address)
        home.open()
        home.wait_for_text("churn")
        page = Page(browser, f"{address}/projects/{project.name}")
        page.open()
        page.wait_for_text("Columns that Evidently flags", "Timestamps")
        save("evidently-dashboard")


@contextmanager
def dashboard(workspace: Path) -> Iterator[str]:
    """Start the server as the local stack does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = ["ui", "--host", "127.0.0.1", "--port", port, "--workspace", str(workspace)]
    process = subprocess.Popen(
        [sys.executable, "-m", "evidently.cli", *command],
        env={**os.environ, "DO_NOT_TRACK": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait(f"{address}/api/version", process)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def wait(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while True:
        assert process.poll() is None
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.2)

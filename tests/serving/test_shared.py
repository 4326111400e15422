"""Several processes count as one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving.shared import SharedFolder

ROOT = Path(__file__).parents[2]
COUNT = """
from serving.metrics import Metrics
metrics = Metrics()
metrics.requests.labels("predict", "sale", "200").inc(2)
metrics.request_seconds.labels("sale", "1", "model").observe(0.003)
metrics.queue_rows.labels("sale").set(5)
metrics.breaker_state.labels("sale").set({breaker})
metrics.ledger_reachable.set({reachable})
metrics.memory.set(1000)
print(metrics.text().decode())
"""


@pytest.fixture
def shared(tmp_path: Path) -> SharedFolder:
    made = SharedFolder(tmp_path / "workers")
    made.prepare()
    return made


def run(shared: SharedFolder, process: str, code: str = COUNT, breaker: int = 0, reachable: int = 1) -> str:
    command = [sys.executable, "-c", code.format(breaker=breaker, reachable=reachable)]
    environment = {**os.environ, **shared.environment(process)}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return ran.stdout


def test_any_process_shows_the_sum_of_all(shared: SharedFolder) -> None:
    run(shared, "worker-0", breaker=2)
    text = run(shared, "worker-1", reachable=0)
    assert 'leadloop_requests_total{model="sale",route="predict",status="200"} 4.0' in text
    assert 'leadloop_request_seconds_count{answered_by="model",model="sale",version="1"} 2.0' in text
    assert 'leadloop_queue_rows{model="sale"} 10.0' in text
    assert 'leadloop_breaker_state{model="sale"} 2.0' in text  # the worst
    assert "leadloop_ledger_reachable 0.0" in text
    assert text.count("leadloop_memory_bytes{") == 2


def test_a_dead_process_is_forgotten_and_what_it_counted_is_not(shared: SharedFolder) -> None:
    run(shared, "worker-0", breaker=2, reachable=0)
    shared.ended("worker-0")
    text = run(shared, "worker-1")
    assert 'leadloop_requests_total{model="sale",route="predict",status="200"} 4.0' in text
    assert 'leadloop_queue_rows{model="sale"} 5.0' in text
    assert 'leadloop_breaker_state{model="sale"} 0.0' in text
    assert "leadloop_ledger_reachable 1.0" in text
    assert text.count("leadloop_memory_bytes{") == 1


def test_a_process_that_takes_a_dead_ones_place_counts_on_in_its_files(shared: SharedFolder) -> None:
    for _ in range(3):
        text = run(shared, "worker-0")
        shared.ended("worker-0")
    assert 'leadloop_requests_total{model="sale",route="predict",status="200"} 6.0' in text
    assert len(list(shared.path.glob("counter_*"))) == 1


def test_a_process_that_only_brings_the_log_does_not_pass_for_one_without_a_ledger(
    shared: SharedFolder,
) -> None:
    code = "from serving.metrics import Metrics; Metrics(only_log=True).log_written.inc(3)"
    run(shared, "shipper", code)
    text = run(shared, "worker-0")
    assert "leadloop_ledger_reachable 1.0" in text
    assert "leadloop_prediction_log_written_total 3.0" in text


def test_a_new_parent_starts_from_zero(shared: SharedFolder) -> None:
    run(shared, "worker-0")
    shared.prepare()
    assert 'leadloop_requests_total{model="sale",route="predict",status="200"} 2.0' in run(shared, "worker-0")

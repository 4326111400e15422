from __future__ import annotations

import threading
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from serving.guard.rates import Rate, Rates


class Clock:
    def __init__(self, at: float = 1000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def test_what_was_taken_comes_back_at_the_rate() -> None:
    clock = Clock()
    rates, rate = Rates(clock=clock), Rate(1, 10, 20)
    assert rates.take(rate, 20) == 0
    assert 0 < rates.take(rate, 1) <= 0.1 + 1e-9
    clock.at += 0.5
    assert rates.take(rate, 5) == 0
    assert rates.take(rate, 1) > 0
    clock.at += 1000
    assert rates.take(rate, 20) == 0  # never more than the burst, however long it waited
    assert rates.take(rate, 1) > 0


def test_waiting_as_long_as_was_said_is_enough() -> None:
    clock = Clock()
    rates, rate = Rates(clock=clock), Rate(1, 3, 7)
    rates.take(rate, 7)
    clock.at += rates.take(rate, 5)
    assert rates.take(rate, 5) == 0


def test_callers_do_not_pay_for_one_another() -> None:
    rates = Rates(clock=Clock())
    assert rates.take(Rate(1, 1, 1), 1) == 0
    assert rates.take(Rate(2, 1, 1), 1) == 0
    assert rates.take(Rate(1, 1, 1), 1) > 0


@given(
    st.floats(0.1, 1e6),
    st.floats(1, 1e4),
    st.lists(st.tuples(st.floats(0, 100), st.integers(1, 10_000)), max_size=50),
)
def test_never_more_than_burst_and_rate_allow(
    rate: float, burst: float, asked: list[tuple[float, int]]
) -> None:
    clock = Clock()
    rates, limit, taken = Rates(clock=clock), Rate(1, rate, burst), 0
    for pause, rows in asked:
        clock.at += pause
        if rows <= burst and rates.take(limit, rows) == 0:
            taken += rows
        assert taken <= (burst + rate * (clock.at - 1000.0)) * (1 + 1e-6)


def test_threads_together_get_what_one_would() -> None:
    clock = Clock()
    rates, rate = Rates(clock=clock), Rate(1, 100, 500)
    granted: list[int] = []

    def ask() -> None:
        granted.extend(1 for _ in range(500) if rates.take(rate, 1) == 0)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 500


def _ask(path: Path, together: Barrier, granted: Queue[int]) -> None:
    rates = Rates(path, Clock())
    together.wait()
    granted.put(sum(rates.take(Rate(3, 100, 20_000), 1) == 0 for _ in range(20_000)))


def test_processes_together_get_what_one_would(tmp_path: Path) -> None:
    context = get_context("spawn")
    together, granted = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_ask, args=(tmp_path / "rates", together, granted)) for _ in range(3)]
    for process in processes:
        process.start()
    got = [granted.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
    assert sum(got) == 20_000
    assert max(got) < 20_000  # or they were not at it at once

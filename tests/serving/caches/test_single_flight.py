"""Many who ask at the same time: one computation, one answer, or one error."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.caches import SingleFlight
from tests.serving.shop import wait_for


class Work:
    """Computes in a way that a test can hold up."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.go = threading.Event()
        self.error: BaseException | None = None

    def __call__(self, keys: Sequence[str]) -> dict[str, str]:
        self.calls.append(list(keys))
        assert self.go.wait(20)
        if self.error is not None:
            raise self.error
        return {key: key.upper() for key in keys if key != "nobody"}


def all_waiting(flights: SingleFlight[str, str], *, others: int) -> None:
    def waiting() -> int:
        flight = flights._flights.get("a")
        return 0 if flight is None else len(flight._condition._waiters)  # type: ignore[attr-defined]

    wait_for(lambda: waiting() == others)


def test_many_who_ask_for_one_wait_for_one_computation() -> None:
    flights, work = SingleFlight[str, str](), Work()
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(flights.run, ["a"], work) for _ in range(20)]
        all_waiting(flights, others=19)
        work.go.set()
        assert [future.result() for future in asked] == [{"a": "A"}] * 20
    assert work.calls == [["a"]]
    assert flights.run(["a"], work) == {"a": "A"}


def test_of_many_keys_only_those_that_nobody_computes_are_computed_all_at_once() -> None:
    flights, work = SingleFlight[str, str](), Work()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(flights.run, ["a", "b"], work)
        wait_for(lambda: len(work.calls) == 1)
        second = pool.submit(flights.run, ["b", "c", "a", "d", "nobody"], work)
        wait_for(lambda: len(work.calls) == 2)
        work.go.set()
        assert first.result() == {"a": "A", "b": "B"}
        assert second.result() == {"a": "A", "b": "B", "c": "C", "d": "D"}
    assert work.calls == [["a", "b"], ["c", "d", "nobody"]]


def test_two_who_need_each_others_do_not_wait_for_ever() -> None:
    flights, work = SingleFlight[str, str](), Work()
    with ThreadPoolExecutor(3) as pool:
        one = pool.submit(flights.run, ["a"], work)
        wait_for(lambda: len(work.calls) == 1)
        two = pool.submit(flights.run, ["b", "a"], work)
        wait_for(lambda: len(work.calls) == 2)
        three = pool.submit(flights.run, ["c", "b"], work)
        wait_for(lambda: len(work.calls) == 3)
        work.go.set()
        assert (one.result(10), two.result(10), three.result(10)) == (
            {"a": "A"}, {"a": "A", "b": "B"}, {"b": "B", "c": "C"}
        )  # fmt: skip


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_an_error_is_everybodys_and_is_not_kept(error: BaseException) -> None:
    flights, work = SingleFlight[str, str](), Work()
    work.error = error
    with ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(flights.run, ["a"], work) for _ in range(5)]
        all_waiting(flights, others=4)
        work.go.set()
        for future in asked:
            with pytest.raises(type(error)):
                future.result(10)
    assert work.calls == [["a"]]
    work.error = None
    assert flights.run(["a"], work) == {"a": "A"}

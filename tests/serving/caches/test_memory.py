"""The cache in memory: bounded, least lately used first, forgetful."""

from __future__ import annotations

import threading
import tracemalloc

from serving.caches import KeptLead, MemoryCache


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def cache(clock: Clock, *, most: int = 100, evicted: list[int] | None = None) -> MemoryCache[bytes]:
    return MemoryCache(
        most_bytes=most,
        keep_seconds=10,
        size=len,
        on_evicted=lambda: (evicted if evicted is not None else []).append(1),
        clock=clock,
    )


def test_a_value_is_found_with_its_age_until_its_time_is_over() -> None:
    clock = Clock()
    kept = cache(clock)
    kept.put_many({b"a": b"one"})
    clock.seconds = 9.5
    assert kept.get_many([b"a", b"b"]) == {b"a": (b"one", 9.5)}
    clock.seconds = 10.5
    assert kept.get_many([b"a"]) == {}
    assert len(kept) == 0


def test_the_least_lately_used_goes_first_and_is_counted() -> None:
    evicted: list[int] = []
    kept = cache(Clock(), evicted=evicted)
    kept.put_many({b"a": b"x" * 40, b"b": b"x" * 40})
    kept.get_many([b"a"])
    kept.put_many({b"c": b"x" * 40})
    assert set(kept.get_many([b"a", b"b", b"c"])) == {b"a", b"c"}
    assert kept.bytes == 80
    assert len(evicted) == 1


def test_a_value_larger_than_the_cache_throws_nothing_out() -> None:
    kept = cache(Clock())
    kept.put_many({b"a": b"x", b"b": b"x" * 101})
    assert set(kept.get_many([b"a", b"b"])) == {b"a"}


def test_a_cache_of_no_bytes_keeps_nothing() -> None:
    kept = cache(Clock(), most=0)
    kept.put_many({b"a": b"x"})
    assert kept.get_many([b"a"]) == {}


def test_many_threads_leave_it_within_its_bound() -> None:
    kept = cache(Clock(), most=1000)

    def work(seed: int) -> None:
        for i in range(2000):
            name = str((seed * 7 + i) % 300).encode()
            kept.put_many({name: b"x" * 10})
            kept.get_many([name, b"1", b"2"])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.bytes == len(kept) * 10 == 1000


def test_the_size_that_is_counted_is_about_what_the_memory_takes() -> None:
    kept: MemoryCache[KeptLead] = MemoryCache(
        most_bytes=1 << 30, keep_seconds=10, size=lambda lead: lead.size, clock=Clock()
    )
    tracemalloc.start()
    try:
        for i in range(5000):
            lead = KeptLead(bytes(29 * 8), (f"portal {i}", None), 1_700_000_000_000_000 + i, i + 10**15)
            kept.put_many({i.to_bytes(16, "big"): lead})
        taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert 0.7 < kept.bytes / taken < 1.5

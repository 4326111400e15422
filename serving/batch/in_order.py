"""Work of many threads, handed out in the order in which it came in, with little of it under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(function: Callable[[T], R], items: Iterable[T], *, workers: int) -> Generator[R]:
    """Yield ``function(item)`` of each item, in order; the first error ends it.

    At most one item waits for each one that is worked on: what is read ahead stays bounded, and a worker that
    is done finds the next item read.

    Examples
    --------
    >>> list(in_order(abs, [-3, -1, 2], workers=2))
    [3, 1, 2]
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="batch")
    under_way: deque[Future[R]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(function, item))
            while under_way and (len(under_way) >= 2 * workers or under_way[0].done()):
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)

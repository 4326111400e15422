"""Names of predictions rise with time and are never given twice."""

from __future__ import annotations

import os
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from estate.core.prediction_id import new_ids


@pytest.mark.parametrize("count", [1, 2, 5_000, 20_000])
def test_names_are_uuids_of_version_7_that_rise(count: int) -> None:
    made = [name for _ in range(3) for name in new_ids(count)]
    parsed = [uuid.UUID(name) for name in made]
    assert {(one.version, one.variant) for one in parsed} == {(7, uuid.RFC_4122)}
    assert made == sorted(set(made)) == [str(one) for one in parsed]


def test_threads_never_get_the_same_name() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [name for names in pool.map(new_ids, [500] * 40) for name in names]
    assert len(set(made)) == 20_000


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_gives_other_names() -> None:
    new_ids(1)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, ",".join(new_ids(100)).encode())
        os._exit(0)
    ours = new_ids(100)
    os.close(write)
    with os.fdopen(read) as theirs:
        others = theirs.read().split(",")
    assert not set(others) & set(ours)
    assert not {name[-12:] for name in others} & {name[-12:] for name in ours}  # the random bits themselves
    os.waitpid(child, 0)

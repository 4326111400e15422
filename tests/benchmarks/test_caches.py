"""The benchmark of the caches in short: everything is measured, and what is found where adds up."""

from __future__ import annotations

import pytest

from benchmarks.caches import run


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_a_quick_run_measures_every_way_and_every_tier() -> None:
    result = run(True)
    rows = result["rows"]
    assert isinstance(rows, list)
    measured = {row["measured"] for row in rows}
    assert {
        "long way",
        "one round trip",
        "from miss",
        "from memory",
        "score remembered",
        "memory",
    } <= measured
    hits = [row for row in rows if "requests_per_s" in row]
    by_rate = [row["hit_rate_memory"] for row in hits if row["measured"] == "memory"]
    assert by_rate == sorted(by_rate)
    assert 0 < by_rate[-1] < 1
    for row in hits:
        assert row["hit_rate_memory"] + row["hit_rate_redis"] <= 1
        assert row["measured"] != "memory" or row["hit_rate_redis"] == 0

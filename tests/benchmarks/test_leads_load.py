"""The benchmark of leads under load in short: every load is answered without an error, beside the floors."""

from __future__ import annotations

from typing import cast

import pytest

from benchmarks.leads_load import run


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_a_quick_run_measures_every_load_beside_the_floors() -> None:
    *rows, told = cast(list[dict[str, float]], run(True)["rows"])
    ways = [str(row["measured"]) for row in rows]
    assert ways[:2] == ["bare ASGI echo", "asyncio protocol echo"]
    assert [name.split(",")[0] for name in ways[2:]] == ["reasons", "no reasons"] * 2
    assert "leads" in str(told["measured"])
    for row in rows:
        assert (row["errors"], row["answers_s"] > 0) == (0, True)
        assert row["cpu_ms"] == row["serving_cpu_ms"] + row["database_cpu_ms"]
    assert rows[0]["cpu_over_echo"] == 1.0

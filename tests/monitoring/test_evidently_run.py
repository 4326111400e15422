"""The tests that Evidently's preset chooses, run without its report, say what the report says."""

from __future__ import annotations

import pytest

from estate.core.frame import Column
from monitoring.evidently_run import columns_flagged, default_verdicts
from tests.monitoring.conftest import Sampler


@pytest.mark.parametrize(("known", "rows"), [(5000, 50), (5000, 400), (800, 50)])
def test_the_short_way_agrees_with_the_preset(known: int, rows: int, sample: Sampler) -> None:
    def columns(rows: int, seed: int) -> dict[str, Column]:
        drawn = sample(rows, seed)
        return {**drawn.features.columns, "score": drawn.scores}

    before, now = columns(known, 1), columns(rows, 2)
    verdicts = default_verdicts(before, now)
    assert sum(verdict.flagged for verdict in verdicts.values()) == columns_flagged(before, now)
    assert all(verdict.flagged == (verdict.excess >= 1.0) for verdict in verdicts.values())

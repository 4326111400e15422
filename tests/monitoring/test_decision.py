"""Each kind of finding ends in its own decision, and only two decisions ask for a training."""

from __future__ import annotations

import pytest

from estate.store.watch_passes import WatchFinding
from monitoring.decision import ASKS, Costs, decide


@pytest.mark.parametrize(
    ("codes", "costs", "decision"),
    [
        ([], "unknown", "quiet"),
        (["MON107"], "no", "quiet"),
        (["MON104"], "unknown", "too_few"),
        (["MON104", "MON301"], "yes", "worse"),  # few predictions of late, but ripe outcomes of earlier ones
        (["MON108"], "unknown", "too_few"),
        (["MON101", "MON201"], "yes", "broken_data"),  # a defect looks like drift and costs quality too
        (["MON109", "MON104"], "unknown", "broken_data"),
        (["MON211"], "unknown", "mix"),
        (["MON212"], "no", "mix"),
        (["MON211", "MON201"], "unknown", "drift"),
        (["MON201"], "no", "moved"),
        (["MON202"], "yes", "drift"),
        (["MON203"], "unknown", "quiet"),
        (["MON301"], "yes", "worse"),
        (["MON212", "MON301"], "yes", "worse"),
        (["MON302"], "yes", "quiet"),  # an estimate alone: no score moved beyond chance
        (["MON305", "MON307"], "unknown", "quiet"),  # late outcomes are no reason to learn
        (["MON401", "MON411"], "no", "quiet"),  # nor are a slow server and a missing picture
    ],
)
def test_decision(codes: list[str], costs: Costs, decision: str) -> None:
    findings = [WatchFinding(code, None, None, None, "said") for code in codes]
    assert decide(findings, costs) == decision


def test_only_drift_and_a_fall_of_quality_ask() -> None:
    assert {"drift", "worse"} == ASKS

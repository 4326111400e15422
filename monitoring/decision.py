"""What the findings of a pass amount to: one decision, and whether it asks for a training.

Broken data outranks everything, for it looks like drift and a model would learn the defect. A change of the
traffic's mix is explained. A shift that is real asks for a training where it costs quality, or where nobody
can know yet whether it does: the governor waits for enough outcomes. A fall that ripe labels show asks by
itself; one that is only estimated does not: an estimate is made of the scores, and where these moved beyond
chance, their shift has asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from estate.store.watch_passes import Decision, WatchFinding

Costs = Literal["yes", "no", "unknown"]
"""Whether the model's quality is known to have fallen."""

CAN_NOT_JUDGE = frozenset({"MON104", "MON105", "MON108"})
ONLY_TOLD = frozenset({"MON104", "MON105", "MON107", "MON108"})
"""Codes of the contract that are no defect."""
REAL_SHIFT = frozenset({"MON201", "MON202"})
"""Other words of the leads (MON203) are told, and are no shift of what a model reads."""
REALISED_FALL = "MON301"
MIX = frozenset({"MON211", "MON212"})
ASKS: frozenset[Decision] = frozenset({"drift", "worse"})
"""Decisions that leave a training request."""


def decide(findings: Iterable[WatchFinding], costs: Costs = "unknown") -> Decision:
    """Return the decision.

    Parameters
    ----------
    findings : iterable of WatchFinding
        Of one pass.
    costs : "yes", "no" or "unknown"
        Of the model's quality, realised or estimated.

    Examples
    --------
    >>> decide(())
    'quiet'
    >>> moved = WatchFinding("MON201", "budget_usd", 0.4, 0.2, "moved")
    >>> fell = WatchFinding("MON301", None, 0.1, 0.2, "quality fell")
    >>> decide((moved,)), decide((moved,), "no"), decide((fell,), "yes")
    ('drift', 'moved', 'worse')
    """
    codes = {finding.code for finding in findings}
    fell = costs == "yes" and REALISED_FALL in codes
    if any(code.startswith("MON1") for code in codes - ONLY_TOLD):
        return "broken_data"
    if codes & CAN_NOT_JUDGE:
        return "worse" if fell and "MON104" in codes else "too_few"
    if codes & REAL_SHIFT:
        return "moved" if costs == "no" else "drift"
    if fell:
        return "worse"
    return "mix" if codes & MIX else "quiet"

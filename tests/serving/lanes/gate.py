"""Where the rules of the test's models wait: they run in this process."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from estate.core.frame import Frame, Numbers


@dataclass
class Gate:
    """Closed while there is an event that nobody has set; remembers what came."""

    event: threading.Event | None = None
    came: threading.Event = field(default_factory=threading.Event)
    calls: list[list[float]] = field(default_factory=list)

    def close(self) -> None:
        self.event, self.came, self.calls = threading.Event(), threading.Event(), []

    def open(self) -> None:
        if self.event is not None:
            self.event.set()

    def rules(self, features: Frame) -> Numbers:
        """A thousandth of the rooms, once the gate is open; not a number above 900."""
        self.calls.append(features["rooms"].tolist())
        self.came.set()
        if self.event is not None:
            assert self.event.wait(60)
        scores: Numbers = features["rooms"] / 1000
        scores[scores > 0.9] = float("nan")
        return scores


GATE = Gate()
MODEL = '''

def gated(features):
    """A thousandth of the rooms."""
    from tests.serving.lanes.gate import GATE

    return GATE.rules(features)


GATED = ModelSpec(
    name="gated", purpose="Waits.", task=Task.REGRESSION, estimator=estimator, rules=gated,
    features=FeatureSet(numbers=("rooms",)), source=TableSource(path="sales.csv", label="sold"),
)
'''

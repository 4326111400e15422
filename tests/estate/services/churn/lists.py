"""Made-up lists of leads and of what may be done about each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from estate.services.churn.choosing import proposals
from estate.services.churn.effects import Effect
from estate.services.churn.interventions import INTERVENTIONS
from estate.services.churn.schema import Indicator, Proposal

SIGNS = sorted({sign for one in INTERVENTIONS.values() for sign in one.answers})


def wishes(seed: int, leads: int, *, worth: float = 600.0) -> tuple[list[Sequence[Proposal]], list[float]]:
    """Return what may be done about leads for which something is worth it, and their risks."""
    random = np.random.default_rng(seed)
    effects = {kind: Effect(float(random.uniform(0.05, 0.3)), 0.1, "measured") for kind in INTERVENTIONS}
    made: list[Sequence[Proposal]] = []
    risks: list[float] = []
    while len(made) < leads:
        risk, names = float(random.uniform(0.1, 0.9)), random.choice(SIGNS, size=3, replace=False)
        fired = [Indicator(name, 1.0, 1.0, "lead", float(random.uniform(0.5, 1.0)), name) for name in names]
        found = proposals(fired, risk, effects, lead_value_usd=worth)
        if found:
            made.append(found)
            risks.append(risk)
    return made, risks

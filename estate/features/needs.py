"""Which facts the features of a model read: the rest need not leave the database."""

from __future__ import annotations

from typing import Any

import numpy as np

from estate.core.feature_set import FeatureSet
from estate.features.lead_histories import NotRead, lead_histories
from estate.store.lead_facts import PARTS, EventRows, LeadFacts, Part


def parts_read(features: FeatureSet) -> frozenset[Part]:
    """Return what the features of one quiet lead ask for.

    A feature that asks for more of a busier lead is noticed when it does: it raises NotRead.
    """
    parts: frozenset[Part] = frozenset()
    while True:
        try:
            features.compute(lead_histories(_quiet_lead(parts)))
        except NotRead as asked:
            parts |= {asked.part, "interactions"} if asked.part == "viewed_prices" else {asked.part}
        except Exception:  # a function of the user's own may not like a lead without any event
            return PARTS
        else:
            return parts


def _quiet_lead(parts: frozenset[Part]) -> LeadFacts:
    one, missing = np.zeros(1, dtype=np.int64), np.full(1, np.nan)
    none: Any = np.zeros(0, dtype=np.int64)
    seen = {"duration_seconds": np.zeros(0)}
    if "viewed_prices" in parts:
        seen["price_usd"] = np.zeros(0)
    return LeadFacts(
        one,
        one,
        one,
        one,
        numbers=dict.fromkeys(("budget_usd", "bedrooms_wanted", "timeline_days"), missing),
        categories={name: np.array([None], dtype=object) for name in ("source", "area", "financing")},
        interactions=EventRows(none, none, none, (), seen) if "interactions" in parts else None,
        messages=EventRows(none, none, none, (), {"length": np.zeros(0)}) if "messages" in parts else None,
        index={} if "index" in parts else None,
        homes={} if "homes" in parts else None,
    )

"""Which facts the features of a model read: the rest need not leave the database."""

from __future__ import annotations

from typing import Any

import numpy as np

from estate.core.feature_set import FeatureSet
from estate.features.lead_histories import NotRead, lead_histories
from estate.store.lead_facts import LEAD_NUMBERS, LEAD_TEXTS, VIEWED, EventRows, LeadFacts
from estate.store.lead_statement import PARTS, Part


def parts_read(features: FeatureSet) -> frozenset[Part]:
    """Return what the features of one quiet lead ask for.

    A feature that asks for more of a busier lead is noticed when it does: it raises NotRead.
    """
    parts: frozenset[Part] = frozenset()
    while True:
        try:
            features.compute(lead_histories(_quiet_lead(parts)))
        except NotRead as asked:
            parts |= {asked.part, "interactions"} if asked.part in VIEWED else {asked.part}
        except Exception:  # a function of the user's own may not like a lead without any event
            return PARTS
        else:
            return parts


def _quiet_lead(parts: frozenset[Part]) -> LeadFacts:
    one, missing = np.zeros(1, dtype=np.int64), np.full(1, np.nan)
    none: Any = np.zeros(0, dtype=np.int64)
    texts: dict[str, Any] = {"kind": ()}
    seen = {"duration_seconds": np.zeros(0)}
    wrote = {"length": np.zeros(0), "sentiment": np.zeros(0)}
    if "viewed_homes" in parts:
        seen |= dict.fromkeys(VIEWED["viewed_homes"], np.zeros(0))
    if "viewed_names" in parts:
        texts |= dict.fromkeys(VIEWED["viewed_names"], ())
    if "campaigns" in parts:
        texts["campaign"] = ()
    return LeadFacts(
        one,
        one,
        one,
        one,
        numbers=dict.fromkeys(LEAD_NUMBERS, missing),
        categories={name: np.array([None], dtype=object) for name in LEAD_TEXTS},
        interactions=EventRows(none, none, none, texts, seen) if "interactions" in parts else None,
        messages=EventRows(none, none, none, {"direction": (), "channel": ()}, wrote)
        if "messages" in parts
        else None,
        index={} if "index" in parts else None,
        homes={} if "homes" in parts else None,
        listings={} if "listings" in parts else None,
    )

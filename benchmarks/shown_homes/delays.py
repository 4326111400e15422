"""How long a score of a home stays true: shown homes by the time until the lead looked at them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.shown_homes.nights import Nights
from estate.core.model_spec import ModelSpec
from estate.features.events import DAY_US
from estate.services.property_matching.model import SPECS
from estate.store.realised import read_first_answers
from estate.training.extract import extract

DAYS = 7
_EVER = pd.Timestamp("2000-01-01", tz="UTC").to_pydatetime()


def delay_rows(nights: Nights) -> list[dict[str, object]]:
    """Return for each model and each day after the showing what was said and what came true."""
    return [row for spec in SPECS for row in _of_model(nights, spec)]


def _of_model(nights: Nights, spec: ModelSpec) -> list[dict[str, object]]:
    data = extract(spec, nights.database, as_of=nights.end)
    fresh = nights.answering[spec.name].predictor.predict_many(data.features).score
    rows = pd.DataFrame(
        {"case": data.entities, "at": data.times, "look": data.times, "came": data.y, "fresh": fresh}
    ).astype({"case": object})
    with nights.database.begin() as connection:
        first = read_first_answers(connection, spec.name, "1", since=_EVER, now=nights.end)
    asked = pd.DataFrame({"case": first.entity, "at": first.at, "score": first.score}).astype(
        {"case": object}
    )
    joined = pd.merge_asof(
        asked, rows.sort_values("at"), on="at", by="case", direction="forward", tolerance=DAYS * DAY_US
    ).dropna()
    day = np.ceil((joined["look"] - joined["at"]) / DAY_US)
    return [
        {
            "measured": spec.name,
            "by": f"looked at on day {after}",
            "shown": len(first.at),
            "rows": int((day == after).sum()),
            "said": round(float(joined["score"][day == after].mean()), 3),
            "said at the look": round(float(joined["fresh"][day == after].mean()), 3),
            "came true": round(float(joined["came"][day == after].mean()), 3),
        }
        for after in range(1, DAYS + 1)
        if (day == after).any()
    ]

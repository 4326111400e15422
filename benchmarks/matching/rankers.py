"""What ranks the homes of the simulated desk; each learns from what was known by the cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.matching.desk import Desk
from estate.bundles.encoder import Encoder
from estate.core.frame import Numbers
from estate.features.homes.pairs import WEIGHTS
from estate.services.property_matching.diversity import chosen
from estate.services.property_matching.model import CHOICE
from estate.services.property_matching.schema import Request
from estate.training.pairs import pair_table
from estate.training.table import plain_frame

_NOT_COLUMNS = ["pair_id", "moment", "label", "look"]


def popular(desk: Desk) -> Numbers:
    """Looks of all leads in the last 14 days."""
    found: Numbers = desk.pairs["home_looks_count_14d"]
    return found


def popular_in_area(desk: Desk) -> Numbers:
    """The same, homes in the lead's own area first."""
    own = desk.pairs["lead_area"] == desk.pairs["home_area"]
    return np.asarray(popular(desk) + 1e6 * own)


def cosine(desk: Desk) -> Numbers:
    """Cosine of a home's columns and the mean of what the lead looked at; without a look, as popular."""
    vectors, seen = _vectors(desk)
    first, last = desk.looks.before(desk.wishes.lead, desk.wishes.moment)
    profiles = np.zeros((len(first), vectors.shape[1]))
    for place, (start, end) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        weight = np.array(WEIGHTS)[desk.looks.kind[start:end]]
        profiles[place] = (seen[start:end] * weight[:, None]).sum(axis=0)
    ours, theirs = vectors[desk.offer], profiles[desk.wish]
    size = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    likeness = np.divide((ours * theirs).sum(axis=1), size, out=np.zeros(len(size)), where=size > 0)
    return np.where((last > first)[desk.wish], likeness, popular_in_area(desk))


def _vectors(desk: Desk) -> tuple[Numbers, Numbers]:
    """Standardised columns of offers and of looks."""
    offers, looks = desk.offers, desk.looks
    tables = []
    for one, kind in ((offers, offers.kind), (looks, looks.home_kind)):
        tables.append(
            pd.DataFrame(
                {
                    "price": np.log(one.price_usd),
                    "bedrooms": one.bedrooms,
                    "sqft": np.log(one.living_area_sqft),
                    **{f"kind {name}": kind == name for name in sorted(set(offers.kind.tolist()))},
                    **{f"area {name}": one.area == name for name in sorted(set(offers.area.tolist()))},
                },
                dtype=np.float64,
            )
        )
    mean, spread = tables[0].mean(), tables[0].std()
    both = [((table - mean) / spread).fillna(0.0).to_numpy() for table in tables]
    return both[0], both[1]


def rules(desk: Desk) -> Numbers:
    """The service's answer without a model."""
    assert CHOICE.rules is not None
    score: Numbers = CHOICE.rules(CHOICE.features.compute(desk.pairs))
    return score


def learned(desk: Desk, *, seed: int = 0) -> Mapping[str, Numbers]:
    """The model that the service asks, and XGBoost's ranker on the same rows."""
    from xgboost import XGBRanker

    table = pair_table(CHOICE.source, desk.before)  # type: ignore[arg-type]
    features = CHOICE.features.compute(plain_frame(table.drop(columns=_NOT_COLUMNS)))
    encoder = Encoder.fit(features, CHOICE.features)
    rows, asked = encoder.matrix(features), encoder.matrix(CHOICE.features.compute(desk.pairs))
    y = table["label"].to_numpy().astype(np.int64)
    model = CHOICE.estimator(seed).fit(rows, y)
    ranker: Any = XGBRanker(objective="rank:ndcg", **_like(CHOICE.estimator(seed)))
    ranker.fit(rows, y, qid=table["look"].to_numpy())
    return {
        "leadloop, home_choice": model.predict_proba(asked)[:, 1].astype(np.float64),
        "XGBRanker, the same rows": ranker.predict(asked).astype(np.float64),
    }


def diverse(desk: Desk, score: Numbers) -> Numbers:
    """The order in which the service shows homes: those chosen for diversity first."""
    made = score - 1e3
    request = Request()
    for query in range(len(desk.queries)):
        rows = np.flatnonzero(desk.queries.query == query)
        homes = desk.offers.take(desk.offer[rows])
        best = chosen(score[rows], homes, k=request.k, diversity=request.diversity)
        made[rows[best]] = -np.arange(len(best), dtype=np.float64)
    return made


def _like(estimator: Any) -> dict[str, Any]:
    names = ("n_estimators", "max_depth", "learning_rate", "subsample", "colsample_bytree", "reg_lambda")
    return {name: getattr(estimator, name) for name in (*names, "n_jobs", "random_state")}

"""Rankers of the real stays; the ranker's settings were chosen on three earlier half-years."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.matching.ranks import Queries, gains, measured
from benchmarks.matching.stays import CUT, Columns, Stays, day_of, read
from estate.core.frame import Numbers

HALF_YEARS = ("2022-11-01", "2023-05-01", "2023-11-01")
"""Where the validation parts begin; each learns from the stays before it only."""

DEPTHS = (2, 3, 4)
_POP_180, _KM_LAST, _KM_MIN, _SLEEPS, _TOGETHER = 2, 6, 7, 10, 18


def rows(*, quick: bool) -> list[dict[str, object]]:
    """Measure everything on stays from May 2024; quick: what needs no fit."""
    stays = read()
    columns = Columns(stays)
    x, queries = columns.queries(stays.asked_as_of(day_of(CUT), 1 << 30))
    scores: dict[str, Numbers] = {**_plain(x)}
    if not quick:
        depth = _chosen_depth(stays, columns)
        scores[f"XGBRanker, depth {depth} by validation"] = _fitted(stays, columns, day_of(CUT), depth)(x)
        scores["implicit, matrix factorisation"] = _factors(stays, queries)
    return [
        {"data": "Albany stays", "by": name, **measured(queries, score)} for name, score in scores.items()
    ]


def _plain(x: Numbers) -> Mapping[str, Numbers]:
    popular = np.log1p(x[:, _POP_180])
    return {
        "chance": np.zeros(len(x)),
        "popular in 180 days": popular,
        "item-kNN, then popular": x[:, _TOGETHER] + 1e-3 * popular,
        "near, same size, popular": popular - x[:, _KM_MIN] / 3 - (x[:, _SLEEPS] > 1),
    }


def _chosen_depth(stays: Stays, columns: Columns) -> int:
    """Return the depth with the best mean NDCG@10 over the validation parts."""
    found = dict.fromkeys(DEPTHS, 0.0)
    for begin in map(day_of, map(pd.Timestamp, HALF_YEARS)):
        x, queries = columns.queries(stays.asked_as_of(begin, begin + 184))
        for depth in DEPTHS:
            score = _fitted(stays, columns, begin, depth)(x)
            found[depth] += float(gains(queries.places(score)).mean())
    return max(found, key=lambda depth: found[depth])


def _fitted(stays: Stays, columns: Columns, cut: int, depth: int) -> Any:
    from xgboost import XGBRanker

    x, queries = columns.queries(stays.asked_before(cut))
    ranker = XGBRanker(
        objective="rank:ndcg",
        n_estimators=150,
        max_depth=depth,
        learning_rate=0.05,
        subsample=0.7,
        colsample_bytree=0.5,
        reg_lambda=5.0,
        n_jobs=2,
        random_state=0,
    )
    ranker.fit(x.astype(np.float32), queries.right.astype(np.int64), qid=queries.query)
    return lambda rows: ranker.predict(rows.astype(np.float32)).astype(np.float64)


def _factors(stays: Stays, queries: Queries) -> Numbers:
    from benchmarks.matching.factorisation import ask, of_looks

    cut, order = day_of(CUT), np.lexsort((stays.day, stays.guest))
    guest, listing, day = stays.guest[order], stays.listing[order], stays.day[order]
    test = stays.asked_as_of(cut, 1 << 30)
    begin = day_of(pd.Timestamp(HALF_YEARS[-1]))
    every = [*stays.asked_as_of(begin, cut), *test]
    free = [np.setdiff1d(np.flatnonzero(stays.first_day < one.day), one.history) for one in every]
    sizes = [len(one) for one in free]
    asked = Queries(
        np.repeat(np.arange(len(every)), sizes),
        np.concatenate([some == one.target for some, one in zip(free, every, strict=True)]),
    )
    edges = np.concatenate([[0], np.cumsum([len(one.history) for one in every])])
    events = of_looks(
        guest,
        listing,
        np.ones(len(guest)),
        day,
        asked_at=np.array([one.day for one in every]),
        first=edges[:-1],
        last=edges[1:],
        step=1,
        test_from=cut,
    )
    events |= {
        "history": np.concatenate([one.history for one in every]),
        "history_weight": np.ones(edges[-1]),
    }
    return ask(events, asked, np.concatenate(free))[-len(queries.query) :]

"""The next home of a lead (simulated, where the best possible ranking is known) and of a guest (real stays).

NDCG@10 and recall@10 of the one home that was chosen in truth, among all that were for sale at that moment,
beside popularity, cosine similarity and a matrix factorisation.
"""

from __future__ import annotations

import numpy as np

from benchmarks.matching import guests, rankers
from benchmarks.matching.desk import Desk, desk
from benchmarks.matching.ranks import Queries, measured
from estate.core.errors import LeadloopError
from estate.core.frame import Numbers
from estate.datasets.world import World

WORLD = World(seed=21, leads_per_day=100, days=150)
SMALL = World(seed=21, leads_per_day=25, days=60)
REFERENCE = 0.0966
"""NDCG@10 of the best published reference on the same split: near and same size, then popular."""
OURS, BEST = "leadloop, home_choice", "the best possible"


def run(quick: bool) -> dict[str, object]:
    """Measure; quick: a small desk, no peer, and of the real stays what needs no fit."""
    made = desk(SMALL if quick else WORLD, cut_day=45 if quick else 120, most=400 if quick else 3000)
    scores: dict[str, Numbers] = {
        "chance": np.zeros(len(made.offer)),
        "popular in 14 days": rankers.popular(made),
        "popular in the lead's area": rankers.popular_in_area(made),
        "cosine similarity": rankers.cosine(made),
        "leadloop, rules": rankers.rules(made),
        **rankers.learned(made),
        BEST: made.truth,
    }
    scores["leadloop, with diversity"] = rankers.diverse(made, scores[OURS])
    if not quick:
        scores["implicit, matrix factorisation"] = _factors(made)
    rows = [_row("simulated views", name, made.queries, score) for name, score in scores.items()]
    cold = made.pairs["looks_count"] == 0
    rows += [_part("first views of a lead", name, made, score, cold) for name, score in scores.items()]
    try:
        rows += guests.rows(quick=quick)
    except LeadloopError as absent:
        rows.append({"data": "Albany stays", "by": f"not measured: {absent}"})
    return {"benchmark": "matching", "rows": rows, "goals": [] if quick else _goals(rows)}


def _row(data: str, name: str, queries: Queries, score: Numbers) -> dict[str, object]:
    return {"data": data, "by": name, **measured(queries, score)}


def _part(data: str, name: str, made: Desk, score: Numbers, where: np.ndarray) -> dict[str, object]:
    query = np.unique(made.queries.query[where], return_inverse=True)[1].astype(np.int64)
    return _row(data, name, Queries(query, made.queries.right[where]), score[where])


def _factors(made: Desk) -> Numbers:
    from benchmarks.matching.factorisation import ask, of_looks
    from estate.features.events import DAY_US
    from estate.features.homes.pairs import WEIGHTS

    codes = {name: code for code, name in enumerate(dict.fromkeys(made.offers.ids.tolist()))}
    item = np.array([codes.setdefault(name, len(codes)) for name in made.looks.home.tolist()])
    candidate = np.array([codes[name] for name in made.offers.ids[made.offer].tolist()])
    asked = np.unique(made.wish)  # queries in the order of their first candidate
    first, last = made.looks.before(made.wishes.lead[asked], made.wishes.moment[asked])
    start = int(made.wishes.moment.min())
    events = of_looks(
        made.looks.lead,
        item,
        np.array(WEIGHTS)[made.looks.kind],
        made.looks.known_at,
        asked_at=made.wishes.moment[asked],
        first=first,
        last=last,
        step=7 * DAY_US,
        test_from=start + 7 * DAY_US,
    )
    events["items"] = np.array(len(codes))
    return ask(events, made.queries, candidate)


def _goals(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    def ndcg(data: str, name: str) -> float:
        found = [row["ndcg@10"] for row in rows if row["data"] == data and name in str(row["by"])]
        return float(str(found[0])) if found else float("nan")

    goals: list[dict[str, object]] = []

    def goal(text: str, value: float, bound: float) -> None:
        goals.append({"goal": text, "value": round(value, 4), "bound": bound, "met": value >= bound})

    views, stays = "simulated views", "Albany stays"
    peers = max(ndcg(views, name) for name in ("popular in the lead", "cosine", "implicit"))
    goal("simulated: NDCG@10 over the best peer's, at least", ndcg(views, OURS) / peers, 1.0)
    popular = ndcg(views, "popular in 14 days")
    goal("simulated: the rules' NDCG@10 over popularity's, at least", ndcg(views, "rules") / popular, 1.0)
    goal("Albany: XGBRanker's NDCG@10, at least the best reference's", ndcg(stays, "XGBR"), REFERENCE)
    return goals

"""How far the greedy plan of a desk's day is from the best one, on simulated lists of leads.

Lists of leads with three signs each, risks of 10 to 90 %, effects of 5 to 30 %; limits on minutes, and on
three kinds too. The best plan is found by dynamic programming over whole minutes. Where kinds are limited, no
plan can bring more than the linear relaxation says, in which a lead may be taken up in part: the share that
is told to be missed is then larger than the true one.

References
----------
Dudzinski and Walukiewicz (1987), "Exact methods for the knapsack problem and its relatives": by minutes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

from estate.services.churn.capacity import Capacity
from estate.services.churn.choosing import proposals
from estate.services.churn.effects import Effect
from estate.services.churn.interventions import INTERVENTIONS
from estate.services.churn.planning import plan
from estate.services.churn.schema import Indicator, Proposal

LISTS = 30
SIZES, BUDGETS = (30, 300, 2_000), (60.0, 240.0, 960.0)
MOST = {"call": 5, "text_message": 5, "market_update": 5}
FREE, LIMITED = "no limit", "at most 5 of three"
GOALS = {FREE: 0.02, LIMITED: 0.1}
_SIGNS = sorted({sign for one in INTERVENTIONS.values() for sign in one.answers})


def run(quick: bool) -> dict[str, object]:
    """Measure for several lengths of the list and of the day; quick: a few short lists."""
    sizes, lists = (SIZES[:1], 3) if quick else (SIZES, LISTS)
    rows = [
        _row(leads, Capacity(minutes, most), lists)
        for leads in sizes
        for minutes in BUDGETS
        for most in ({}, MOST)
    ]
    return {"rows": rows, "goals": [] if quick else _goals(rows)}


def simulated(seed: int, leads: int) -> list[Sequence[Proposal]]:
    """Return what may be done about leads for which something is worth it."""
    random = np.random.default_rng(seed)
    effects = {kind: Effect(float(random.uniform(0.05, 0.3)), 0.1, "measured") for kind in INTERVENTIONS}
    made: list[Sequence[Proposal]] = []
    while len(made) < leads:
        fired = [
            Indicator(name, 1.0, 1.0, "lead", float(random.uniform(0.5, 1.0)), name)
            for name in random.choice(_SIGNS, size=3, replace=False)
        ]
        found = proposals(fired, float(random.uniform(0.1, 0.9)), effects, lead_value_usd=200.0)
        if found:
            made.append(found)
    return made


def best(wishes: Sequence[Sequence[Proposal]], minutes: int) -> float:
    """Return what the best plan brings within so many minutes, in USD."""
    found = np.zeros(minutes + 1)
    for own in wishes:
        with_one = [found]
        for one in own:
            spent = min(int(one.minutes), minutes + 1)
            room = found[: minutes + 1 - spent] + one.benefit_usd
            with_one.append(np.concatenate([np.full(spent, -np.inf), room]))
        found = np.max(with_one, axis=0)
    return float(found[-1])


def bound(wishes: Sequence[Sequence[Proposal]], capacity: Capacity) -> float:
    """Return what no plan can bring more than, in USD: leads may be taken up in part."""
    flat = [(lead, one) for lead, own in enumerate(wishes) for one in own]
    each = (np.ones(len(flat)), ([lead for lead, _ in flat], np.arange(len(flat))))
    once = coo_array(each, shape=(len(wishes), len(flat)))
    limits = [[one.minutes for _, one in flat]]
    limits += [[float(one.kind == kind) for _, one in flat] for kind in capacity.most]
    found = linprog(
        [-one.benefit_usd for _, one in flat],
        A_ub=vstack([once, coo_array(np.array(limits))]).tocsr(),
        b_ub=[*np.ones(len(wishes)), capacity.minutes, *capacity.most.values()],
        bounds=(0, 1),
    )
    return -float(found.fun)


def _row(leads: int, capacity: Capacity, lists: int) -> dict[str, Any]:
    gaps: list[float] = []
    seconds: list[float] = []
    for seed in range(lists):
        wishes = simulated(seed, leads)
        began = time.process_time()
        planned = plan(wishes, capacity)
        seconds.append(time.process_time() - began)
        brings = math.fsum(one.benefit_usd for one in planned if one is not None)
        most = bound(wishes, capacity) if capacity.most else best(wishes, int(capacity.minutes))
        gaps.append(1 - brings / most)
    return {
        "leads": leads,
        "minutes": capacity.minutes,
        "kinds": LIMITED if capacity.most else FREE,
        "missed_mean": round(float(np.mean(gaps)), 5),
        "missed_p95": round(float(np.quantile(gaps, 0.95)), 5),
        "missed_largest": round(max(gaps), 5),
        "plan_ms": round(1e3 * float(np.median(seconds)), 1),
    }


def _goals(rows: list[dict[str, Any]]) -> list[dict[str, object]]:
    made: list[dict[str, object]] = []
    for kinds, goal in GOALS.items():
        value = max(row["missed_largest"] for row in rows if row["kinds"] == kinds)
        text = f"share of the best plan's benefit that is missed, kinds: {kinds}, at most {goal:g}"
        made.append({"goal": text, "value": value, "bound": goal, "met": value <= goal})
    return made

"""Features of any number of leads, each as of its own moment, at flat memory."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame
from estate.features.events import Micros
from estate.features.histories import OF_LEADS, SHARED, Histories, build_histories
from estate.store.database import Database
from estate.store.facts import read_fact_table

LEADS_AT_ONCE = 10_000
"""Leads in one turn: few enough that a turn's arrays stay near a processor's cache."""


def features_of_many(  # noqa: PLR0913  what, of whom, as of when, and two that say how
    database: Database,
    features: FeatureSet,
    lead_ids: NDArray[np.object_],
    moments: Micros,
    *,
    as_of: datetime,
    leads_at_once: int = LEADS_AT_ONCE,
    threads: int | None = None,
) -> Frame:
    """Read the facts of leads and compute their features, some thousand leads at a time.

    A lead's bits do not depend on who is computed with it.

    Parameters
    ----------
    database : Database
    features : FeatureSet
    lead_ids : object array of shape (n,)
    moments : int64 array of shape (n,)
        Of each lead, microseconds since 1970, UTC; not after ``as_of``.
    as_of : datetime
        Nothing that was learned later is read.
    leads_at_once : int
    threads : int, optional
        Turns that run side by side; by default one a processor, at most four.
    """
    shared = {kind: read_fact_table(database, kind, as_of=as_of, versions=True) for kind in SHARED}
    order = np.argsort(lead_ids.astype(str), kind="stable")  # neighbours in the store's index
    turns = [order[start : start + leads_at_once] for start in range(0, len(order), leads_at_once)]

    def turn(rows: NDArray[np.int64]) -> Frame:
        names = lead_ids[rows].tolist()
        own = {
            kind: read_fact_table(database, kind, lead_ids=names, as_of=as_of, versions=True)
            for kind in OF_LEADS
        }
        return features.compute(build_histories(lead_ids[rows], moments[rows], own | shared))

    columns = {
        name: np.empty(len(order), dtype=np.float64 if features.kind(name) == "number" else object)
        for name in features.names
    }
    with ThreadPoolExecutor(threads or _threads()) as pool:
        for rows, part in zip(turns, pool.map(turn, turns), strict=True):
            for name, values in columns.items():
                values[rows] = part[name]
    return Frame(columns, len(order))


def compute_in_parts(
    features: FeatureSet,
    histories: Histories,
    *,
    leads_at_once: int = LEADS_AT_ONCE,
    threads: int | None = None,
) -> Frame:
    """Compute features of histories that are in memory, some thousand leads at a time, side by side."""
    starts = range(0, max(len(histories), 1), leads_at_once)
    parts = [histories.part(start, min(start + leads_at_once, len(histories))) for start in starts]
    with ThreadPoolExecutor(threads or _threads()) as pool:
        made = list(pool.map(features.compute, parts))
    columns = {name: np.concatenate([part[name] for part in made]) for name in features.names}
    return Frame(columns, len(histories))


def _threads() -> int:
    return min(4, len(os.sched_getaffinity(0)))

"""Features of any number of leads, each as of its own moment, at flat memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame
from estate.features.events import Micros
from estate.features.histories import OF_LEADS, SHARED, Histories, build_histories
from estate.store.database import Database
from estate.store.facts import read_fact_table

if TYPE_CHECKING:
    import pyarrow as pa

LEADS_AT_ONCE = 10_000
"""Leads in one turn: few enough that a turn's arrays stay near a processor's cache."""
FEWEST_AT_ONCE = 200
"""Fewer are not split up: NumPy's calls would cost more than what they do."""


def features_of_many(  # noqa: PLR0913  what, of whom, as of when, and three that say how
    database: Database,
    features: FeatureSet,
    lead_ids: NDArray[np.object_],
    moments: Micros,
    *,
    as_of: datetime,
    leads_at_once: int | None = None,
    threads: int | None = None,
    cluster: str | None = None,
) -> Frame:
    """Read the facts of leads and compute their features, some thousand leads at a time.

    A lead's bits do not depend on who is computed with it, nor on which machine.

    Parameters
    ----------
    database : Database
    features : FeatureSet
    lead_ids : object array of shape (n,)
    moments : int64 array of shape (n,)
        Of each lead, microseconds since 1970, UTC; not after ``as_of``.
    as_of : datetime
        Nothing that was learned later is read.
    leads_at_once : int, optional
        Leads in one turn; by default at most some thousand, and so few that every thread has some.
    threads : int, optional
        Turns that run side by side; by default one a processor, at most four.
    cluster : str, optional
        Address of a Dask scheduler, such as ``tcp://10.0.0.5:8786``: its workers take the turns.

    Raises
    ------
    StoreError
        If the database or the cluster can't be reached.
    """
    shared = {kind: read_fact_table(database, kind, as_of=as_of, versions=True) for kind in SHARED}
    order = np.argsort(lead_ids.astype(str), kind="stable")  # neighbours in the store's index
    size = leads_at_once or _leads_at_once(len(order), threads)
    turns = [order[start : start + size] for start in range(0, len(order), size)]
    columns = {
        name: np.empty(len(order), dtype=np.float64 if features.kind(name) == "number" else object)
        for name in features.names
    }
    turn = Turn(database, features, as_of, shared)
    work = [(lead_ids[rows], moments[rows]) for rows in turns]
    for number, part in _on_cluster(cluster, turn, work) if cluster else _here(turn, work, threads):
        for name, values in columns.items():
            values[turns[number]] = part[name]
    return Frame(columns, len(order))


@dataclass(frozen=True)
class Turn:
    """What computes the features of some leads, wherever it is sent.

    Parameters
    ----------
    database : Database
    features : FeatureSet
    as_of : datetime
    shared : mapping of str to pyarrow.Table
        Facts that are of all leads.
    """

    database: Database = field(repr=False)
    features: FeatureSet
    as_of: datetime
    shared: Mapping[str, pa.Table] = field(repr=False)

    def __call__(self, lead_ids: NDArray[np.object_], moments: Micros) -> Frame:
        """Read their facts and compute."""
        names = lead_ids.tolist()
        own = {
            kind: read_fact_table(self.database, kind, lead_ids=names, as_of=self.as_of, versions=True)
            for kind in OF_LEADS
        }
        return self.features.compute(build_histories(lead_ids, moments, {**own, **self.shared}))


Work = Sequence[tuple[NDArray[np.object_], Micros]]


def _here(turn: Turn, work: Work, threads: int | None) -> Iterator[tuple[int, Frame]]:
    with ThreadPoolExecutor(threads or _threads()) as pool:
        yield from enumerate(pool.map(lambda some: turn(*some), work))


def _on_cluster(address: str, turn: Turn, work: Work) -> Iterator[tuple[int, Frame]]:
    from estate.features.on_cluster import each_on_cluster

    return each_on_cluster(address, turn, work)


def compute_in_parts(
    features: FeatureSet,
    histories: Histories,
    *,
    leads_at_once: int | None = None,
    threads: int | None = None,
) -> Frame:
    """Compute features of histories that are in memory, some thousand leads at a time, side by side."""
    size = leads_at_once or _leads_at_once(len(histories), threads)
    starts = range(0, max(len(histories), 1), size)
    parts = [histories.part(start, min(start + size, len(histories))) for start in starts]
    with ThreadPoolExecutor(threads or _threads()) as pool:
        made = list(pool.map(features.compute, parts))
    columns = {name: np.concatenate([part[name] for part in made]) for name in features.names}
    return Frame(columns, len(histories))


def _leads_at_once(leads: int, threads: int | None) -> int:
    """Leads in one turn, such that no thread is without any.

    Examples
    --------
    >>> _leads_at_once(1_000_000, 2), _leads_at_once(10_000, 2), _leads_at_once(100, 2)
    (10000, 5000, 200)
    """
    return max(FEWEST_AT_ONCE, min(LEADS_AT_ONCE, -(-leads // (threads or _threads()))))


def _threads() -> int:
    return min(4, len(os.sched_getaffinity(0)))

"""An answer with ten homes, kept and not kept in turn; what its rows take in the database."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np
import psycopg

from benchmarks.shown_homes.nights import Nights
from estate.core.clock import now
from estate.features.lead_reader import LeadReader
from estate.services.property_matching.reading import LEAD_PARTS, leads_now
from estate.services.property_matching.schema import Matches, Request
from estate.services.property_matching.service import match
from serving.metrics import Metrics
from serving.prediction_log import PredictionLog
from serving.shown_homes import ShownHomes

Row = dict[str, object]


def cost_rows(nights: Nights, *, requests: int) -> list[Row]:
    """Return the time of an answer, with and without keeping it, and bytes a row."""
    leads, homes = nights.leads(nights.learned)
    names = [lead.lead_id for lead in leads][-requests:]
    reader, ask = LeadReader(lambda: nights.database), nights.ask()

    def answer(lead_id: str) -> Matches:
        found, histories = reader.histories([lead_id], as_of=nights.learned, parts=LEAD_PARTS)
        (lead,) = leads_now(found, histories, homes)
        return match(Request(k=10), lead, homes, ask)

    log = PredictionLog(nights.folder / "journal", Metrics(), address=lambda: "", ship=False)
    shown = ShownHomes()

    def answer_and_keep(lead_id: str) -> Matches:
        found = answer(lead_id)
        for rows in shown.rows(found, at=now()):
            log.put(rows)
        return found

    times = _in_turn({"not kept": answer, "kept": answer_and_keep}, names)
    reader.close()
    log.close()
    made: list[Row] = [
        {"measured": "one answer, ten homes", "by": name, "p50_ms": round(1e3 * float(np.median(of)), 3)}
        for name, of in times.items()
    ]
    apart = np.median(times["kept"] - times["not kept"]) / np.median(times["not kept"])
    return [
        *made,
        {"measured": "keeping beside answering", "by": "ratio", "value": round(1 + float(apart), 3)},
    ]


def _in_turn(
    ways: dict[str, Callable[[str], Matches]], names: list[str]
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Time each lead by each way, which of them first by turns; what is read is in memory by then."""
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for place, name in enumerate(names):
        ways["kept"](name)
        for way in sorted(ways, reverse=bool(place % 2)):
            began = perf_counter()
            ways[way](name)
            taken[way].append(perf_counter() - began)
    return {way: np.array(of) for way, of in taken.items()}


def size_row(nights: Nights) -> Row:
    """Return what a kept row takes, with its indexes."""
    with psycopg.connect(nights.database.url) as connection:
        found = connection.execute(
            "SELECT pg_total_relation_size('predictions') / count(*) FROM predictions"
        ).fetchone()
    assert found is not None
    return {"measured": "one kept row, with indexes", "by": "bytes", "value": int(found[0])}

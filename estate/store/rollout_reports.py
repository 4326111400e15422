"""How rollouts go, as each serving process says it: one row a rollout and process, written anew each time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.core.rollout import RolloutReport, Side
from estate.store.tables import rollout_reports as table


def write(connection: sa.Connection, report: RolloutReport) -> None:
    """Keep what a process says of a rollout, in place of what it said before."""
    row = asdict(report)
    key = ("rollout_seq", "process")
    newer = {name: value for name, value in row.items() if name not in key}
    connection.execute(insert(table).values(row).on_conflict_do_update(index_elements=key, set_=newer))


def read(connection: sa.Connection, rollout_seq: int) -> list[RolloutReport]:
    """Return what each process said last of a rollout, by the process's name."""
    query = sa.select(table).where(table.c.rollout_seq == rollout_seq).order_by(table.c.process)
    return [
        RolloutReport(
            rollout_seq=row.rollout_seq,
            process=row.process,
            state=row.state,
            problem=row.problem,
            candidate=_side(row.candidate),
            stable=_side(row.stable),
            at=row.at,
        )
        for row in connection.execute(query)
    ]


def _side(stored: Mapping[str, Any]) -> Side:
    lists = {name: tuple(stored[name]) for name in ("latency", "scores")}
    return Side(rows=stored["rows"], errors=stored["errors"], **lists)

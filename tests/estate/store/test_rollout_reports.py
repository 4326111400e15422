"""What serving processes say of a rollout, kept once a process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from estate.core.rollout import RolloutReport, Side
from estate.store import rollout_reports
from estate.store.database import Database

REPORT = RolloutReport(
    rollout_seq=7,
    process="b:1:1",
    state="loading",
    problem="the registry is away",
    candidate=Side(),
    stable=Side(rows=3, errors=1, latency=(3,) * 14, scores=(1,) * 20),
    at=datetime(2026, 1, 5, tzinfo=UTC),
)


def test_a_report_takes_the_place_of_the_one_before_and_comes_back_as_it_was(database: Database) -> None:
    later = replace(REPORT, state="ready", problem=None, candidate=Side(rows=9))
    with database.begin() as connection:
        rollout_reports.write(connection, REPORT)
        rollout_reports.write(connection, later)
        rollout_reports.write(connection, replace(REPORT, process="a:1:1"))
        rollout_reports.write(connection, replace(REPORT, rollout_seq=8))
        assert rollout_reports.read(connection, 7) == [replace(REPORT, process="a:1:1"), later]
        assert rollout_reports.read(connection, 9) == []


def test_a_serving_process_may_write_it_with_its_own_rights(parts_database: Database) -> None:
    with parts_database.begin() as connection:
        rollout_reports.write(connection, REPORT)
        rollout_reports.write(connection, replace(REPORT, state="ready"))
        assert rollout_reports.read(connection, 7)[0].state == "ready"

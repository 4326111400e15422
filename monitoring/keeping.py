"""What a pass leaves behind: itself, its training request, its incidents and their alerts, its measurements.

All of it in one transaction: it is there, or none of it is.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from estate.core.clock import now
from estate.core.settings import Settings
from estate.store.database import Database
from estate.store.incidents import record_findings
from estate.store.quality_points import save_points
from estate.store.training_requests import Cause, Request
from estate.store.watch_passes import Decision, WatchPass, request_for_drift, save_pass
from monitoring.alerts import queue_alerts
from monitoring.decision import ASKS, decide
from monitoring.seen import Seen

if TYPE_CHECKING:
    from sqlalchemy import Connection

_CAUSES: dict[Decision, Cause] = {"drift": "drift", "worse": "quality"}
_NAMED = 5


def keep(  # noqa: PLR0913 - what was seen, where it goes, and when it was
    settings: Settings,
    database: Database,
    model: str,
    seen: Seen,
    *,
    moment: datetime,
    as_of: datetime | None,
) -> WatchPass:
    """Decide, and keep everything.

    Parameters
    ----------
    moment : datetime
        That the pass was about.
    as_of : datetime or None
        What a training that is asked for may know at most; None for the moment of its start.

    Raises
    ------
    StoreError
        If the database can't be reached.
    """
    decision = decide(seen.all_findings, seen.quality.costs if seen.quality else "unknown")
    with database.begin() as connection:
        request = _request(connection, model, seen, decision, as_of) if decision in ASKS else None
        made = _pass(model, seen, decision, request, moment)
        save_pass(connection, made)
        if seen.quality is not None:
            save_points(connection, seen.quality.points)
        changes = record_findings(
            connection,
            model,
            seen.all_findings,
            owner=settings.alert_owner,
            at=moment,
            judged=seen.judged,
        )
        queue_alerts(connection, changes, settings, at=moment)
    return made


def _request(
    connection: Connection, model: str, seen: Seen, decision: Decision, as_of: datetime | None
) -> Request:
    return request_for_drift(
        connection, model, seen.version, cause=_CAUSES[decision], detail=_detail(seen, decision), as_of=as_of
    )


def _pass(model: str, seen: Seen, decision: Decision, request: Request | None, moment: datetime) -> WatchPass:
    return WatchPass(
        pass_id=str(uuid.uuid4()),
        model=model,
        version=seen.version,
        decision=decision,
        findings=seen.all_findings,
        rows=seen.window.rows,
        window_from=seen.window.first,
        window_to=seen.window.last,
        report=str(seen.report) if seen.report else None,
        request_id=request.request_id if request else None,
        at=now(),
        as_of=moment,
        alarm_rate=seen.alarm_rate,
        visible=seen.visible,
    )


def _detail(seen: Seen, decision: Decision) -> str:
    if decision == "worse":
        fell = [finding.sentence for finding in seen.all_findings if finding.code in {"MON301", "MON302"}]
        return f"version {seen.version}: {fell[0] if fell else 'its quality fell'}"
    moved = [finding.column or "scores" for finding in seen.findings if finding.code in {"MON201", "MON202"}]
    more = f" and {len(moved) - _NAMED} more" if len(moved) > _NAMED else ""
    return (
        f"version {seen.version}: {', '.join(moved[:_NAMED])}{more} moved in the last {seen.window.rows} rows"
    )

"""What each look at a model's recent predictions found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from estate.core.clock import now
from estate.store.training_requests import Cause, Request, request_training
from estate.store.training_tables import training_requests
from estate.store.watch_tables import watch_passes

ASK_AGAIN_AFTER, ASK_AGAIN_AT_LEAST = timedelta(days=7), timedelta(days=56)
Decision = Literal["quiet", "too_few", "broken_data", "mix", "moved", "drift", "worse"]


@dataclass(frozen=True)
class WatchFinding:
    """One thing that was found.

    Parameters
    ----------
    code : str
        ``MON101`` and so on; each stands in the docs.
    column : str or None
        The column it is about; None if about all rows or the scores.
    statistic, threshold : float or None
        What was measured and the value it had to pass; the sentence names the unit.
    sentence : str
        For a person, with the numbers.
    """

    code: str
    column: str | None
    statistic: float | None
    threshold: float | None
    sentence: str


@dataclass(frozen=True, kw_only=True)
class WatchPass:
    """One pass of the watch.

    Parameters
    ----------
    pass_id, model, version : str
        The version in production; ``"rules"`` if there is none.
    decision : str
        ``quiet``, ``too_few`` (can't be judged), ``broken_data`` or ``drift``.
    findings : tuple of WatchFinding
    rows : int
        Predictions of that version that were judged.
    window_from, window_to : datetime or None
        Moments of the first and the last of them.
    report : str or None
        Folder of the HTML and JSON reports.
    request_id : str or None
        The training request that this drift made, or found already made.
    at : datetime
    as_of : datetime or None
        The moment that it was about; the present if not told otherwise.
    alarm_rate : float or None
        False-alarm rate that it spent on drift; None where it judged none.
    visible : str or None
        A sentence: the smallest shifts that it would have seen.
    """

    pass_id: str
    model: str
    version: str
    decision: Decision
    findings: tuple[WatchFinding, ...]
    rows: int
    window_from: datetime | None
    window_to: datetime | None
    report: str | None
    request_id: str | None
    at: datetime
    as_of: datetime | None = None
    alarm_rate: float | None = None
    visible: str | None = None


def request_for_drift(  # noqa: PLR0913 - what is asked, by keyword
    connection: sa.Connection,
    model: str,
    version: str,
    *,
    detail: str,
    cause: Cause = "drift",
    as_of: datetime | None = None,
) -> Request:
    """Ask for a training because a version's world or quality moved.

    The same drift found by the next pass is the same request. It is asked again if its training failed, or if
    the version is still in production a week after what that training knew: the gate refused the challenger,
    or nobody promoted it, and newer outcomes may be ripe by now. Each training that changed nothing doubles
    the pause before the next one, up to eight weeks: what could not be learned is not tried every week.
    """
    earlier = connection.execute(_of_drift(model, version)).all()
    last = earlier[0] if earlier else None
    key = f"{_key(model, version)}{last.request_id if last else ''}"
    if last and last.state != "failed" and (as_of or now()) < last.seen + _pause(earlier):
        key = last.dedupe_key
    return request_training(
        connection, model, cause=cause, detail=detail, dedupe_key=key, as_of=as_of, version=version
    )


def _pause(earlier: Sequence[sa.Row[Any]]) -> timedelta:
    changed_nothing = len([request for request in earlier if request.state == "done"])
    doubled: int = 2 ** max(changed_nothing - 1, 0)
    return min(ASK_AGAIN_AFTER * doubled, ASK_AGAIN_AT_LEAST)


def save_pass(connection: sa.Connection, made: WatchPass) -> None:
    """Keep a pass; one that is already there is left as it is."""
    row = {name: getattr(made, name) for name in watch_passes.c.keys() if name != "findings"}  # noqa: SIM118
    row["findings"] = [asdict(finding) for finding in made.findings]
    connection.execute(insert(watch_passes).values(row).on_conflict_do_nothing())


def list_passes(connection: sa.Connection, model: str, *, limit: int = 100) -> list[WatchPass]:
    """Return a model's latest passes, newest first."""
    newest = (
        sa.select(watch_passes)
        .where(watch_passes.c.model == model)
        .order_by(watch_passes.c.at.desc(), watch_passes.c.pass_id)
        .limit(limit)
    )
    return [_pass(row) for row in connection.execute(newest)]


def spent_rates(connection: sa.Connection, model: str, *, since: datetime) -> list[tuple[datetime, float]]:
    """Return the moments of a model's passes since then that judged drift, and what each spent."""
    columns = watch_passes.c
    moment = sa.func.coalesce(columns.as_of, columns.at)
    query = sa.select(moment, columns.alarm_rate).where(
        columns.model == model, columns.alarm_rate.is_not(None), moment >= since
    )
    return [(at, rate) for at, rate in connection.execute(query)]


def _pass(row: sa.Row[Any]) -> WatchPass:
    fields = dict(row._mapping)
    fields["findings"] = tuple(WatchFinding(**finding) for finding in fields["findings"])
    return WatchPass(**fields)


def _of_drift(model: str, version: str) -> sa.Select[Any]:
    keys = training_requests.c.dedupe_key.startswith(_key(model, version), autoescape=True)
    seen = sa.func.coalesce(training_requests.c.as_of, training_requests.c.requested_at).label("seen")
    columns = training_requests.c
    return (
        sa.select(columns.request_id, columns.state, columns.dedupe_key, seen)
        .where(training_requests.c.model == model, keys)
        .order_by(columns.requested_at.desc())
    )


def _key(model: str, version: str) -> str:
    return f"drift:{model}:{version}:"

"""What is wrong with a model now, since when, whose it is, and how it ended.

::

    found ──► open ──► seen again … ──► healed: a pass that judged it found it no more
                 └────────────────────► resolved by a person

One thing that is wrong is one row however often it is found: at most one is open for a model, code and
column.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from estate.core.clock import now
from estate.core.errors import StoreError
from estate.core.finding_codes import Severity, meaning_of
from estate.store.locks import lock_key
from estate.store.watch_passes import WatchFinding
from estate.store.watch_tables import incidents as table

_ABOUT_ALL = ""  # a null would not be unique among the open ones on a Postgres before 15
_COLUMN = table.c["column"]
_OPEN = table.c.resolved_at.is_(None)
_Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Something that is wrong with a model, or was.

    Parameters
    ----------
    incident_id, model, code : str
    column : str or None
        None where it is about all rows, or about serving.
    owner : str
        Who sees to it.
    sentence : str
        What was found last, with its numbers.
    severity : {"info", "warning", "breaking"}
    breaks_training : bool
        Whether no training may start while it is open.
    first_seen, last_seen : datetime
    times : int
        Passes that found it, at least 1.
    resolved_at : datetime or None
        None while it is open.
    resolved_how : str or None
    """

    incident_id: str
    model: str
    code: str
    column: str | None
    owner: str
    sentence: str
    severity: Severity
    breaks_training: bool
    first_seen: datetime
    last_seen: datetime
    times: int
    resolved_at: datetime | None = None
    resolved_how: str | None = None

    @property
    def open(self) -> bool:
        """Whether it is still wrong, as far as is known."""
        return self.resolved_at is None


@dataclass(frozen=True)
class IncidentChanges:
    """What one pass did to the incidents of a model.

    Parameters
    ----------
    opened, seen_again, healed : tuple of Incident
        As they stand now.
    """

    opened: tuple[Incident, ...] = ()
    seen_again: tuple[Incident, ...] = ()
    healed: tuple[Incident, ...] = ()


def record_findings(  # noqa: PLR0913 - a pass, by keyword
    connection: sa.Connection,
    model: str,
    findings: Iterable[WatchFinding],
    *,
    owner: str,
    at: datetime,
    judged: frozenset[str],
) -> IncidentChanges:
    """Open an incident for each finding, or touch the open one; heal what was judged and not found any more.

    The same pass again changes nothing. A pass that is older than another one that is written already changes
    nothing that the later one has seen. Passes of one model wait for each other until their transactions end.

    Parameters
    ----------
    owner : str
        Who sees to incidents that are opened now.
    at : datetime
        Moment of the pass.
    judged : frozenset of str
        Codes that this pass could judge: only those heal. A pass with too few rows judges next to nothing.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lock_key(f"incidents {model}"))))
    known = {(i.code, i.column or _ABOUT_ALL): i for i in list_incidents(connection, model, only_open=True)}
    found: dict[_Key, WatchFinding] = {}
    for finding in findings:
        found.setdefault((finding.code, finding.column or _ABOUT_ALL), finding)
    over = _over(connection, model, at)
    opened = [_open(connection, model, f, owner, at) for key, f in found.items() if key not in known | over]
    again = [_touch(connection, known[key], f, at) for key, f in found.items() if key in known]
    gone = [i for key, i in known.items() if key not in found and i.code in judged and i.last_seen < at]
    healed = [_heal(connection, incident, at) for incident in gone]
    return IncidentChanges(tuple(opened), tuple(again), tuple(healed))


def open_breaking(connection: sa.Connection, model: str) -> list[Incident]:
    """Return the open incidents that keep a model from being trained, oldest first."""
    return [i for i in reversed(list_incidents(connection, model, only_open=True)) if i.breaks_training]


def list_incidents(
    connection: sa.Connection, model: str | None = None, *, only_open: bool = False, limit: int | None = None
) -> list[Incident]:
    """Return incidents, those opened last first; of one model and only open ones, where asked."""
    query = sa.select(table).order_by(table.c.first_seen.desc(), table.c.incident_id).limit(limit)
    if model is not None:
        query = query.where(table.c.model == model)
    if only_open:
        query = query.where(_OPEN)
    return [incident_of(row) for row in connection.execute(query)]


def find_incident(connection: sa.Connection, beginning: str) -> Incident:
    """Return the one incident whose id begins so.

    Raises
    ------
    StoreError
        If none or several do.
    """
    text = sa.cast(table.c.incident_id, sa.Text)
    rows = connection.execute(
        sa.select(table).where(text.startswith(beginning, autoescape=True)).limit(2)
    ).all()
    if len(rows) != 1:
        raise StoreError(
            f"incident `{beginning}`",
            expected="the id of one incident, or its beginning",
            got="several that begin so" if rows else "none that begins so",
            todo="See `leadloop incidents`.",
        )
    return incident_of(rows[0])


def resolve(connection: sa.Connection, incident_id: str, who: str, why: str) -> Incident:
    """Close an incident by a person's word; a pass that finds it again opens a new one.

    Raises
    ------
    StoreError
        If there is none of that id, or it is closed already.
    """
    known = find_incident(connection, incident_id)
    changed = connection.execute(
        sa.update(table)
        .where(table.c.incident_id == known.incident_id, _OPEN)
        .values(resolved_at=now(), resolved_how=f"by {who}: {why}")
        .returning(table)
    ).one_or_none()
    if changed is None:
        raise StoreError(
            f"incident {known.incident_id}", expected="an open one", got=f"closed ({known.resolved_how})"
        )
    return incident_of(changed)


def incident_of(row: sa.Row[Any]) -> Incident:
    """Return a row of the table as an incident."""
    fields = dict(row._mapping)
    return Incident(**{**fields, "column": fields["column"] or None})


def _over(connection: sa.Connection, model: str, at: datetime) -> dict[_Key, None]:
    """Return what somebody has closed since the pass: an old pass told again opens nothing."""
    closed = sa.select(table.c.code, _COLUMN).where(table.c.model == model, table.c.resolved_at >= at)
    return {(row.code, row.column): None for row in connection.execute(closed)}


def _open(connection: sa.Connection, model: str, finding: WatchFinding, owner: str, at: datetime) -> Incident:
    meaning = meaning_of(finding.code)
    row = {
        "incident_id": str(uuid.uuid4()),
        "model": model,
        "code": finding.code,
        "column": finding.column or _ABOUT_ALL,
        "owner": owner,
        "sentence": finding.sentence,
        "severity": meaning.severity,
        "breaks_training": meaning.breaks_training,
        "first_seen": at,
        "last_seen": at,
        "times": 1,
    }
    return incident_of(connection.execute(table.insert().values(row).returning(table)).one())


def _touch(connection: sa.Connection, known: Incident, finding: WatchFinding, at: datetime) -> Incident:
    if at <= known.last_seen:
        return known
    return _set(connection, known, last_seen=at, times=known.times + 1, sentence=finding.sentence)


def _heal(connection: sa.Connection, known: Incident, at: datetime) -> Incident:
    return _set(connection, known, resolved_at=at, resolved_how="healed: a later pass found it no more")


def _set(connection: sa.Connection, known: Incident, **values: object) -> Incident:
    changed = (
        sa.update(table)
        .where(table.c.incident_id == known.incident_id, _OPEN)
        .values(values)
        .returning(table)
    )
    row = connection.execute(changed).one_or_none()
    return incident_of(row) if row else known  # a person closed it this moment

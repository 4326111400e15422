"""One pass: contract, then report, then decision."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from estate.bundles import Bundle
from estate.core.clock import now
from estate.core.prediction import NO_VERSION, Prediction
from estate.core.settings import Settings
from estate.store import evidence, ledger
from estate.store.database import Database
from estate.store.predictions import read_recent
from estate.store.watch_passes import Decision, WatchFinding, WatchPass, request_for_drift, save_pass
from model_registry import connect, fetch_bundle
from monitoring.contract import check_contract, enough_rows
from monitoring.drift import drift_findings, find_shifts
from monitoring.report import write_report
from monitoring.window import Window, window_of

if TYPE_CHECKING:
    from model_registry import Registry

RECENT = timedelta(days=30)
"""Older predictions say nothing of how the model does now."""
_CAN_NOT_JUDGE = {"MON104", "MON105", "MON108"}


@dataclass(frozen=True)
class _Rows:
    """What the database knows: the production version, the digest it was proven with, its predictions."""

    version: str
    digest: str | None
    own: list[Prediction]
    others: int


@dataclass(frozen=True)
class _Seen:
    """What a pass looked at, and what it found."""

    version: str
    window: Window
    findings: tuple[WatchFinding, ...]
    report: Path | None = None


def watch(  # noqa: PLR0913 - the three stores, and which rows
    settings: Settings,
    database: Database,
    model: str,
    *,
    window: int = 500,
    until: datetime | None = None,
    registry: Registry | None = None,
) -> WatchPass:
    """Compare a model's recent predictions with what its production version was trained on.

    Drift asks for a training in the transaction that keeps the pass: both are there, or neither.

    Parameters
    ----------
    window : int
        At most so many of the latest predictions of the version.
    until : datetime, optional
        Look at predictions before this moment, and train on nothing later; the present if not given.
    registry : Registry, optional
        An open connection; one is made if not given.

    Raises
    ------
    StoreError, RegistryError
        If the database, the registry or the version's bundle can't be read.
    """
    rows = _read(database, model, window=window, until=until)
    if rows.version == NO_VERSION:
        return _keep(database, model, _Seen(NO_VERSION, window_of([], []), (_no_version(rows.others),)))
    with TemporaryDirectory() as folder:
        fetched = fetch_bundle(
            registry or connect(settings), model, rows.version, Path(folder) / "bundle", digest=rows.digest
        )
        seen = _look(Bundle.open(fetched), rows, reports=settings.home / "reports" / model)
    return _keep(database, model, seen, as_of=until)


def _read(database: Database, model: str, *, window: int, until: datetime | None) -> _Rows:
    since = (until or now()) - RECENT
    with database.begin() as connection:
        entry = ledger.current(connection, model)
        version = entry.to_version if entry else NO_VERSION
        proof = evidence.load(connection, model, version) if entry else None
        own = read_recent(connection, model, version=version, since=since, until=until, limit=window)
        first = min((row.at for row in own), default=since) if entry else since
        every = read_recent(connection, model, since=first, until=until)
    others = len(every) if entry is None else sum(row.version != version for row in every)
    return _Rows(version, proof.bundle_digest if proof else None, own, others)


def _look(bundle: Bundle, rows: _Rows, *, reports: Path) -> _Seen:
    reference, window = bundle.reference(), window_of(rows.own, bundle.features)
    mixed = (_others(rows.others),) if rows.others else ()
    few = enough_rows(reference, window.rows) if window.rows else _no_traffic(rows.version)
    if few:
        return _Seen(rows.version, window, (few, *mixed))
    broken = check_contract(reference, window, bundle.fingerprint)
    report = write_report(reference, window, reports / f"{now():%Y%m%dT%H%M%S%fZ}")
    moved = () if broken else drift_findings(find_shifts(reference, window))
    return _Seen(rows.version, window, (*broken, *moved, *report.findings, *mixed), report.folder)


def decide(findings: tuple[WatchFinding, ...]) -> Decision:
    """Return what the findings amount to; broken data outranks drift, for it looks like drift.

    Examples
    --------
    >>> decide(())
    'quiet'
    >>> decide((WatchFinding("MON201", "budget_usd", 0.4, 0.2, "moved"),))
    'drift'
    """
    codes = {finding.code for finding in findings}
    if codes & _CAN_NOT_JUDGE:
        return "too_few"
    if any(code.startswith("MON1") and code != "MON107" for code in codes):
        return "broken_data"
    return "drift" if codes & {"MON201", "MON202"} else "quiet"


def _keep(database: Database, model: str, seen: _Seen, *, as_of: datetime | None = None) -> WatchPass:
    decision = decide(seen.findings)
    with database.begin() as connection:
        request = None
        if decision == "drift":
            detail = _detail(seen)
            request = request_for_drift(connection, model, seen.version, detail=detail, as_of=as_of)
        made = WatchPass(
            pass_id=str(uuid.uuid4()),
            model=model,
            version=seen.version,
            decision=decision,
            findings=seen.findings,
            rows=seen.window.rows,
            window_from=seen.window.first,
            window_to=seen.window.last,
            report=str(seen.report) if seen.report else None,
            request_id=request.request_id if request else None,
            at=now(),
        )
        save_pass(connection, made)
    return made


def _detail(seen: _Seen) -> str:
    moved = [finding.column or "scores" for finding in seen.findings if finding.code in {"MON201", "MON202"}]
    more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
    return f"version {seen.version}: {', '.join(moved[:5])}{more} moved in the last {seen.window.rows} rows"


def _no_version(rows: int) -> WatchFinding:
    sentence = f"no version is in production, so there is nothing to compare {rows} recent predictions with"
    return WatchFinding("MON108", None, float(rows), None, sentence)


def _no_traffic(version: str) -> WatchFinding:
    sentence = f"version {version} answered nothing in the last {RECENT.days} days"
    return WatchFinding("MON105", None, 0.0, 1.0, sentence)


def _others(rows: int) -> WatchFinding:
    sentence = f"{rows} predictions of the same time came from rules or other versions and were not judged"
    return WatchFinding("MON107", None, float(rows), None, sentence)

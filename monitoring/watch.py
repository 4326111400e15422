"""One pass: contract, traffic, drift, then report, then decision."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from estate.bundles import Bundle
from estate.catalog import load_catalog
from estate.core.clock import now
from estate.core.errors import SpecError
from estate.core.finding_codes import meaning_of
from estate.core.model_spec import CrmSource
from estate.core.prediction import NO_VERSION
from estate.core.settings import Settings
from estate.store.database import Database
from estate.store.watch_passes import (
    Decision,
    WatchFinding,
    WatchPass,
    request_for_drift,
    save_pass,
    spent_rates,
)
from model_registry import connect, fetch_bundle
from monitoring.budget import Look, rate_of_look
from monitoring.contract import enough_rows
from monitoring.drift import ALARM_RATE, Sample, Shift
from monitoring.judge import Judged, judge_window
from monitoring.production_rows import (
    RECENT,
    InProduction,
    Which,
    in_production,
    read_others,
    read_texts,
    read_traffic,
    read_window,
)
from monitoring.report import write_report
from monitoring.window import NO_ROWS, Window

if TYPE_CHECKING:
    from model_registry import Registry

_CAN_NOT_JUDGE = {"MON104", "MON105", "MON108"}
_BUDGET_HISTORY = timedelta(days=60)


@dataclass(frozen=True)
class Seen:
    """What a pass looked at, and what it found.

    Parameters
    ----------
    version : str
    window : Window
    findings : tuple of WatchFinding
    shifts : tuple of Shift
        Empty where drift was not judged.
    report : Path or None
    alarm_rate : float or None
        What was spent; None where drift was not judged.
    visible : str or None
    """

    version: str
    window: Window
    findings: tuple[WatchFinding, ...]
    shifts: tuple[Shift, ...] = ()
    report: Path | None = None
    alarm_rate: float | None = None
    visible: str | None = None


@dataclass(frozen=True)
class _Pass:
    """Who is looked at, and from where."""

    settings: Settings
    database: Database
    model: str
    which: Which
    report: bool


def watch(  # noqa: PLR0913 - the three stores, and which rows
    settings: Settings,
    database: Database,
    model: str,
    *,
    window: int = 500,
    days: float | None = None,
    until: datetime | None = None,
    registry: Registry | None = None,
    report: bool = True,
) -> WatchPass:
    """Compare a model's recent predictions with what its production version was trained on.

    Drift asks for a training in the transaction that keeps the pass: both are there, or neither.

    Parameters
    ----------
    window : int
        At most so many of the latest predictions of the version.
    days : float, optional
        All predictions of so many days instead: they are counted exactly and judged by a sample.
    until : datetime, optional
        Look at predictions before this moment, and train on nothing later; the present if not given.
    registry : Registry, optional
        An open connection; one is made if not given.
    report : bool
        Whether Evidently draws its report.

    Raises
    ------
    StoreError, RegistryError
        If the database, the registry or the version's bundle can't be read.
    """
    which = Which(window, days, until or now())
    this = _Pass(settings, database, model, which, report)
    found = in_production(database, model)
    if found.version == NO_VERSION:
        others = read_others(database, model, "", NO_ROWS, which)
        return _keep(this, Seen(NO_VERSION, NO_ROWS, (_no_version(others),)), as_of=None)
    with TemporaryDirectory() as folder:
        fetched = fetch_bundle(
            registry or connect(settings), model, found.version, Path(folder) / "bundle", digest=found.digest
        )
        seen = _look(this, found, Bundle.open(fetched))
    return _keep(this, seen, as_of=until)


def _look(this: _Pass, found: InProduction, bundle: Bundle) -> Seen:
    reference, version = bundle.reference(), found.version
    window = read_window(this.database, this.model, version, reference, this.which)
    others = read_others(this.database, this.model, version, window, this.which)
    mixed = (_others(others),) if others else ()
    few = enough_rows(reference, window.rows) if window.rows else _no_traffic(version, this.which)
    if few:
        return Seen(version, window, (few, *mixed))
    rate = _Rate(this)
    judged = _judge(this, found, bundle, reference=reference, window=window, rate=rate)
    seen = Seen(
        version,
        window,
        (*judged.broken, *judged.moved, *mixed),
        judged.shifts,
        None,
        rate.spent,
        judged.visible,
    )
    return _drawn(seen, reference, this) if this.report else seen


def _judge(  # noqa: PLR0913 - one look
    this: _Pass,
    found: InProduction,
    bundle: Bundle,
    *,
    reference: Sample,
    window: Window,
    rate: Callable[[], float],
) -> Judged:
    leads, trained = _reads_leads(this), found.evidence
    traffic = read_traffic(this.database, this.model, found.version, window, this.which, leads=leads)
    texts = partial(read_texts, this.database, trained, window, this.which) if leads and trained else None
    return judge_window(
        reference,
        window,
        fingerprint=bundle.fingerprint,
        rate=rate,
        importance=bundle.importance,
        traffic=traffic,
        texts=texts,
    )


def _drawn(seen: Seen, reference: Sample, this: _Pass) -> Seen:
    folder = this.settings.home / "reports" / this.model / f"{now():%Y%m%dT%H%M%S%fZ}"
    made = write_report(reference, seen.window, folder, alarm_rate=seen.alarm_rate or ALARM_RATE)
    own = [finding for finding in seen.findings if finding.code != "MON107"]
    rest = [finding for finding in seen.findings if finding.code == "MON107"]
    return replace(seen, findings=(*own, *made.findings, *rest), report=made.folder)


class _Rate:
    """The false-alarm rate of this look: asked for once, where drift is judged."""

    def __init__(self, this: _Pass) -> None:
        self._this = this
        self.spent: float | None = None

    def __call__(self) -> float:
        this, moment = self._this, self._this.which.moment
        with this.database.begin() as connection:
            spent = spent_rates(connection, this.model, since=moment - _BUDGET_HISTORY)
        looks = [Look(at, rate) for at, rate in spent if at <= moment]
        self.spent = rate_of_look(looks, moment, budget=this.settings.alarm_budget)
        return self.spent


def _reads_leads(this: _Pass) -> bool:
    """Whether the model reads the platform's own facts; a model that nobody describes any more does not."""
    try:
        return isinstance(load_catalog(this.settings).get(this.model).source, CrmSource)
    except SpecError:
        return False


def decide(findings: tuple[WatchFinding, ...]) -> Decision:
    """Return what the findings amount to; broken data outranks drift, for it looks like drift.

    A changed mix of traffic (MON211, MON212) and other words (MON203) are no drift of the model's world.

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
    if any(code.startswith("MON1") and meaning_of(code).severity == "breaking" for code in codes):
        return "broken_data"
    return "drift" if codes & {"MON201", "MON202"} else "quiet"


def _keep(this: _Pass, seen: Seen, *, as_of: datetime | None) -> WatchPass:
    decision = decide(seen.findings)
    with this.database.begin() as connection:
        request = None
        if decision == "drift":
            detail = _detail(seen)
            request = request_for_drift(connection, this.model, seen.version, detail=detail, as_of=as_of)
        made = WatchPass(
            pass_id=str(uuid.uuid4()),
            model=this.model,
            version=seen.version,
            decision=decision,
            findings=seen.findings,
            rows=seen.window.rows,
            window_from=seen.window.first,
            window_to=seen.window.last,
            report=str(seen.report) if seen.report else None,
            request_id=request.request_id if request else None,
            at=now(),
            as_of=this.which.moment,
            alarm_rate=seen.alarm_rate,
            visible=seen.visible,
        )
        save_pass(connection, made)
    return made


def _detail(seen: Seen) -> str:
    moved = [finding.column or "scores" for finding in seen.findings if finding.code in {"MON201", "MON202"}]
    more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
    return f"version {seen.version}: {', '.join(moved[:5])}{more} moved in the last {seen.window.rows} rows"


def _no_version(rows: int) -> WatchFinding:
    sentence = f"no version is in production, so there is nothing to compare {rows} recent predictions with"
    return WatchFinding("MON108", None, float(rows), None, sentence)


def _no_traffic(version: str, which: Which) -> WatchFinding:
    days = f"{which.days or RECENT.days:g} days"
    return WatchFinding("MON105", None, 0.0, 1.0, f"version {version} answered nothing in the last {days}")


def _others(rows: int) -> WatchFinding:
    sentence = f"{rows} predictions of the same time came from rules or other versions and were not judged"
    return WatchFinding("MON107", None, float(rows), None, sentence)

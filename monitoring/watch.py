"""One pass: contract, traffic, mix, drift, report, quality, operations; then what is kept of it."""

from __future__ import annotations

import logging
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
from estate.core.errors import ContractError, SpecError
from estate.core.model_spec import CrmSource, ModelSpec, PairSource
from estate.core.prediction import NO_VERSION
from estate.core.settings import Settings
from estate.store.database import Database
from estate.store.watch_passes import WatchFinding, WatchPass, spent_rates
from model_registry import connect, fetch_bundle
from monitoring.budget import Look, rate_of_look
from monitoring.contract import enough_rows
from monitoring.drift import ALARM_RATE, Sample
from monitoring.evidently_workspace import adding_for
from monitoring.judge import Judged, judge_window
from monitoring.keeping import keep
from monitoring.operations import look_at_operations
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
from monitoring.quality import QualitySeen, judge_quality
from monitoring.report import write_report
from monitoring.seen import Seen
from monitoring.shown_rows import read_shown, span_days, too_early
from monitoring.window import NO_ROWS, Window

if TYPE_CHECKING:
    from model_registry import Registry

logger = logging.getLogger(__name__)

_BUDGET_HISTORY = timedelta(days=60)


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
        seen = Seen(NO_VERSION, NO_ROWS, (_no_version(others),))
        return keep(settings, database, model, seen, moment=which.moment, as_of=None)
    with TemporaryDirectory() as folder:
        fetched = fetch_bundle(
            registry or connect(settings), model, found.version, Path(folder) / "bundle", digest=found.digest
        )
        bundle = Bundle.open(fetched)
        seen = replace(_look(this, found, bundle), quality=_quality(this, found, bundle))
    if until is None:  # serving's counters are of the present
        seen = replace(seen, operations=look_at_operations(settings, database, model, now=which.moment))
    past = until if until is not None and until < now() else None  # the present is no moment of its own
    return keep(settings, database, model, seen, moment=which.moment, as_of=past)


def _look(this: _Pass, found: InProduction, bundle: Bundle) -> Seen:
    version = found.version
    reference, window = _compared(this, found, bundle)
    others = read_others(this.database, this.model, version, window, this.which)
    mixed = (_others(others),) if others else ()
    few = _too_few(this, reference, window, version)
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


def _compared(this: _Pass, found: InProduction, bundle: Bundle) -> tuple[Sample, Window]:
    """Return what is compared with, and what is judged: rows that were chosen in one way."""
    trained = bundle.reference()
    if _shows_homes(this):
        return read_shown(this.database, this.model, found, trained, this.which)
    return trained, read_window(this.database, this.model, found.version, trained, this.which)


def _too_few(this: _Pass, reference: Sample, window: Window, version: str) -> WatchFinding | None:
    shown = _shows_homes(this)
    if not window.rows:
        days = span_days(this.which) if shown else this.which.days
        return _no_traffic(version, replace(this.which, days=days))
    if shown and not len(reference.scores):
        return too_early(this.which)
    return enough_rows(reference, window.rows)


def _shows_homes(this: _Pass) -> bool:
    spec = _spec(this)
    return spec is not None and isinstance(spec.source, PairSource)


def _judge(  # noqa: PLR0913 - one look
    this: _Pass,
    found: InProduction,
    bundle: Bundle,
    *,
    reference: Sample,
    window: Window,
    rate: Callable[[], float],
) -> Judged:
    spec, trained = _spec(this), found.evidence
    leads = spec is not None and isinstance(spec.source, CrmSource)  # it reads the platform's own facts
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


def _quality(this: _Pass, found: InProduction, bundle: Bundle) -> QualitySeen | None:
    """Judge what the version's answers came to be worth; None where nobody describes the model any more."""
    spec = _spec(this)
    if spec is None:
        return None
    try:
        return judge_quality(
            spec,
            this.database,
            found.version,
            evidence=found.evidence,
            now=this.which.moment,
            reference=bundle.reference(),
        )
    except ContractError as error:  # outcomes that can't be read must not hide what the answers say
        logger.warning("quality_not_judged model=%s error=%s", this.model, error)
        return None


def _drawn(seen: Seen, reference: Sample, this: _Pass) -> Seen:
    folder = this.settings.home / "reports" / this.model / f"{now():%Y%m%dT%H%M%S%fZ}"
    add = adding_for(this.settings, this.model)
    rate = seen.alarm_rate or ALARM_RATE
    made = write_report(reference, seen.window, folder, alarm_rate=rate, add=add)
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


def _spec(this: _Pass) -> ModelSpec | None:
    """Return the model's description; None where there is none any more."""
    try:
        return load_catalog(this.settings).get(this.model)
    except SpecError:
        return None


def _no_version(rows: int) -> WatchFinding:
    sentence = f"no version is in production, so there is nothing to compare {rows} recent predictions with"
    return WatchFinding("MON108", None, float(rows), None, sentence)


def _no_traffic(version: str, which: Which) -> WatchFinding:
    days = f"{which.days or RECENT.days:g} days"
    return WatchFinding("MON105", None, 0.0, 1.0, f"version {version} answered nothing in the last {days}")


def _others(rows: int) -> WatchFinding:
    sentence = f"{rows} predictions of the same time came from rules or other versions and were not judged"
    return WatchFinding("MON107", None, float(rows), None, sentence)

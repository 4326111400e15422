"""One judgement of a version: from ripe labels first, from its scores where there are none yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np

from estate.core.evidence import Evidence
from estate.core.model_spec import ModelSpec, PairSource, Task
from estate.store.database import Database
from estate.store.predictions import read_recent
from estate.store.quality_points import QualityPoint
from estate.store.watch_passes import WatchFinding
from monitoring.quality.answered import Answered, micros_of, read_answered
from monitoring.quality.earlier import earlier_skill
from monitoring.quality.foreseen import Foreseen, judge_foreseen
from monitoring.quality.measures import judged_metric
from monitoring.quality.points import WEEK, Window, points_of, weeks_until
from monitoring.quality.realised import Realised, judge_realised
from monitoring.quality.skill import Skill, baseline_skill
from monitoring.quality.trust import Known, asked_of, doubts_of_ripe, doubts_of_space, trust_findings

Costs = Literal["yes", "no", "unknown"]
LOOK_BACK = timedelta(days=182)
"""So long before the window the version's own answers are read, as what its estimates are compared with."""
ASSURING = 0.5
"""That nothing fell says something only if the loss of so much of the skill would have been seen."""
_SPACE_ROWS = 1_000


@dataclass(frozen=True)
class QualitySeen:
    """What is known of a version's quality.

    Parameters
    ----------
    model, version : str
    at : datetime
        Nothing that was learned later is in it.
    findings : tuple of WatchFinding
        MON301 to MON307.
    points : tuple of QualityPoint
        The windows that were judged, and weeks; not kept yet.
    costs : {"yes", "no", "unknown"}
        Whether quality is known to have fallen.
    """

    model: str
    version: str
    at: datetime
    findings: tuple[WatchFinding, ...]
    points: tuple[QualityPoint, ...]
    costs: Costs


def judge_quality(  # noqa: PLR0913 - the model, the stores, and how to look
    spec: ModelSpec,
    database: Database,
    version: str,
    *,
    evidence: Evidence | None,
    now: datetime,
    window_days: int = 28,
    fall: float = 0.9,
    seed: int = 0,
    reference: Known | None = None,
    weeks: int | None = None,
) -> QualitySeen:
    """Judge the answers of a version whose horizon ended in the window, and those of the window itself.

    Parameters
    ----------
    spec : ModelSpec
    database : Database
    version : str
    evidence : Evidence or None
        Of the version: what it was worth on the holdout. Homes that were shown are laid beside those that the
        same version showed before instead.
    now : datetime
        Nothing that happened or was learned later is seen.
    window_days : int
        At least 1.
    fall : float
        MON301 and MON302 say that less than this part of the skill is left; in (0, 1).
    seed : int
        The same rows are judged the same way every time.
    reference : Reference or Window, optional
        What the version was trained on; without it nothing is said of cases unlike all of it (MON306).
    weeks : int, optional
        Weeks to measure; by default those whose labels may have ripened in the window.

    Raises
    ------
    StoreError, ContractError
        If the database or the spec's source can't be read.
    """
    days, horizon = timedelta(days=window_days), timedelta(days=spec.source.horizon_days)
    since = now - horizon - days - max(LOOK_BACK, (weeks or 0) * WEEK)
    answered = read_answered(spec, database, version, since=since, now=now)
    metric = judged_metric(spec)
    window = answered.take(_ripened(answered, days))
    if isinstance(spec.source, PairSource):  # shown homes were chosen by their scores, the holdout's were not
        evidence, before = None, earlier_skill(spec, answered, window, seed=seed)
    else:
        before = baseline_skill(spec.task, metric, evidence) if evidence else None
    realised = judge_realised(spec, window, before, evidence, fall=fall, seed=seed)
    recent = answered.take(answered.at > micros_of(now - days))
    unripe = recent.take(~recent.ripe)
    earlier = answered.take(answered.at <= micros_of(now - days))
    foreseen = judge_foreseen(spec, unripe, earlier, before, fall=fall, seed=seed)
    doubts = _doubts(spec, realised, foreseen, before, fall=fall, seed=seed)
    if foreseen.fall and reference is not None:
        doubts += _space(database, spec, version, reference, since=now - days, until=now)
    lateness = answered.frontier.lateness
    late = (lateness,) if lateness and len(answered) else ()
    findings = (*realised.findings, *foreseen.findings, *late, *trust_findings(doubts))
    count = weeks if weeks is not None else (horizon + 2 * days) // WEEK + 1
    windows = [*_judged(window, recent, now - days, now), *weeks_until(now, count)]
    points = tuple(points_of(spec, version, answered, windows, now=now, seed=seed))
    costs = _costs(realised, foreseen, recent, trusted=not doubts)
    return QualitySeen(spec.name, version, now, findings, points, costs)


def _ripened(answered: Answered, days: timedelta) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Choose answers whose horizon ended in the last days up to which outcomes are known."""
    until = answered.frontier.until
    return (answered.due <= until) & (answered.due > until - int(days.total_seconds() * 1e6))


def _judged(window: Answered, recent: Answered, start: datetime, end: datetime) -> Sequence[Window]:
    """Return the spans of both windows; of the ripe one from its first to its last answer."""
    spans = [Window(start, end)] if len(recent) else []
    if len(window):
        first, last = int(window.at.min()) - 1, int(window.at.max())
        spans.append(Window(*(datetime.fromtimestamp(at / 1e6, UTC) for at in (first, last))))
    return spans


def _doubts(  # noqa: PLR0913 - what it needs, by keyword
    spec: ModelSpec,
    realised: Realised,
    foreseen: Foreseen,
    before: Skill | None,
    *,
    fall: float,
    seed: int,
) -> tuple[str, ...]:
    """Ask the ripe rows whether scores can be relied on; only where an estimate was made."""
    if foreseen.fall is None or realised.calibrated is None or spec.task is not Task.BINARY:
        return ()
    lost = (1.0 - fall) * (before or foreseen.fall.before).value
    y, p = realised.rows.y, realised.rows.score
    return doubts_of_ripe(judged_metric(spec), y, p, realised.calibrated, lost=lost, seed=seed)


def _space(  # noqa: PLR0913 - which rows
    database: Database, spec: ModelSpec, version: str, reference: Known, *, since: datetime, until: datetime
) -> tuple[str, ...]:
    with database.begin() as connection:
        found = read_recent(
            connection, spec.name, version=version, since=since, until=until, limit=_SPACE_ROWS
        )
    return doubts_of_space(reference, asked_of(found, reference)) if found else ()


def _costs(realised: Realised, foreseen: Foreseen, recent: Answered, *, trusted: bool) -> Costs:
    """Say whether quality is known to have fallen: by labels first, then by an estimate to be relied on.

    "No" needs both to say so: ripe labels may be of answers from before a shift, and an estimate alone
    supposes what a shift puts in question.
    """
    if realised.fall is not None and realised.fall.happened:
        return "yes"
    estimate = foreseen.fall if trusted else None
    if estimate is not None and estimate.happened:
        return "yes"
    if realised.fall is None or realised.fall.visible > ASSURING:
        return "unknown"
    estimate_says_no = estimate is not None and estimate.visible <= ASSURING
    return "no" if recent.mature_share >= 0.5 or estimate_says_no else "unknown"

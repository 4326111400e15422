"""One look at how serving does with a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from estate.core.errors import SettingsError
from estate.core.prediction import AnsweredBy
from estate.core.settings import Settings
from estate.store import ledger
from estate.store.database import Database
from estate.store.operations_snapshots import Snapshot, count_answers, keep_snapshot, last_snapshot
from estate.store.watch_passes import WatchFinding
from monitoring.operations import rules
from monitoring.operations.limits import Limits
from monitoring.operations.serving_numbers import ServingAway, ServingNumbers, ask_serving

_USUAL = "usual_hits"
LONGEST = timedelta(hours=24)
"""Answers are counted since the last look, and of no more than this."""


@dataclass(frozen=True)
class Operations:
    """What a look found, and which codes it could judge.

    Parameters
    ----------
    findings : tuple of WatchFinding
        MON411 to MON417.
    judged : frozenset of str
        Codes for which there was enough to judge: what is not among them is neither found nor healed.
    """

    findings: tuple[WatchFinding, ...] = ()
    judged: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Known:
    """What the database knows before serving is asked."""

    last: Snapshot | None
    answers: Mapping[str, int]
    in_production: bool


def judge_operations(
    settings: Settings, database: Database, model: str, *, now: datetime, limits: Limits | None = None
) -> tuple[WatchFinding, ...]:
    """Return what is wrong with how serving does with a model; see :func:`look_at_operations`."""
    return look_at_operations(settings, database, model, now=now, limits=limits).findings


def look_at_operations(
    settings: Settings, database: Database, model: str, *, now: datetime, limits: Limits | None = None
) -> Operations:
    """Compare serving's counters with those of the last look, and keep them for the next one.

    Where no address of serving is known, only the answers in the database are judged. A serving that can't be
    reached is a finding (MON417), never an error.

    Parameters
    ----------
    now : datetime
        Moment of the look; counters are compared with the look before it.
    limits : Limits, optional
        The stated ones if not given.

    Raises
    ------
    StoreError
        If the database can't be reached.
    """
    limits = limits or Limits()
    known = _known(database, model, now)
    seen = _fallback(known, limits)
    try:
        numbers = ask_serving(settings.endpoint("serving_url"), model)
    except SettingsError:
        return _together(seen)
    except ServingAway as error:
        return _together([*seen, rules.away(error)])
    last = dict(known.last.numbers) if known.last else {}
    # What is usual of the caches is carried from look to look beside the counters.
    usual = last.pop(_USUAL, None)
    grown = growth(last, numbers.counters) if known.last else {}
    cache, usual = rules.cache(grown, usual, limits)
    carried = {} if usual is None else {_USUAL: usual}
    with database.begin() as connection:
        keep_snapshot(connection, model, Snapshot(now, {**numbers.counters, **carried}))
    seen += [cache, rules.away(None), *_served(settings, numbers, grown, limits)]
    return _together(seen)


def growth(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return by how much counters grew; if any is lower than before, serving was started anew: all of it.

    Examples
    --------
    >>> growth({"requests": 10.0, "errors": 4.0}, {"requests": 15.0, "errors": 4.0, "shed": 2.0})
    {'requests': 5.0, 'errors': 0.0, 'shed': 2.0}
    >>> growth({"requests": 10.0, "errors": 4.0}, {"requests": 15.0, "errors": 1.0})
    {'requests': 15.0, 'errors': 1.0}
    """
    if any(after.get(name, 0.0) < value for name, value in before.items()):
        return dict(after)
    return {name: value - before.get(name, 0.0) for name, value in after.items()}


def _known(database: Database, model: str, now: datetime) -> _Known:
    with database.begin() as connection:
        last = last_snapshot(connection, model)
        since = max(last.at, now - LONGEST) if last else now - LONGEST
        answers = count_answers(connection, model, since=since, until=now)
        entry = ledger.current(connection, model)
    return _Known(last, answers, in_production=entry is not None and entry.at <= since)


def _fallback(known: _Known, limits: Limits) -> list[rules.Seen]:
    """Judge who answered; not across a first promotion, before which rules had to."""
    by_rules = known.answers.get(AnsweredBy.RULES.value, 0)
    if not known.in_production:
        return []
    return [rules.fallback(by_rules, sum(known.answers.values()), limits)]


def _served(
    settings: Settings, numbers: ServingNumbers, grown: Mapping[str, float], limits: Limits
) -> list[rules.Seen]:
    return [
        rules.latency(grown, limits),
        rules.errors(grown, limits),
        rules.queue(grown, numbers.queue_rows, settings.serving_queue_rows, limits),
        rules.log_behind(grown, numbers.behind_seconds, limits),
    ]


def _together(seen: list[rules.Seen]) -> Operations:
    found = tuple(one.finding for one in seen if one.finding is not None)
    return Operations(found, frozenset(one.code for one in seen if one.judged))

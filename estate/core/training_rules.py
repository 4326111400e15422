"""When a model may be trained: the governor's rules, as a function of what is known.

A person's wish, or one for a moment that was named, only waits for a training of the model that runs.
Triggers that come by themselves also respect the state of the data, failures, a cool-down and a budget.
Whether there are enough new outcomes is known only when the rows were read: see :func:`nothing_new`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Literal

from estate.core.errors import SpecError

DAY = timedelta(days=1)
LONGEST_BACK_OFF = timedelta(days=7)
Rule = Literal[
    "replaced",
    "answered",
    "running",
    "single_flight",
    "broken_data",
    "back_off",
    "cool_down",
    "budget",
    "new_labels",
    "same_data",
]


@dataclass(frozen=True, kw_only=True)
class TrainingRules:
    """What a model's trainings respect that no person asked for.

    Parameters
    ----------
    cool_down_days : float
        So long after what the last training knew, nothing is trained.
    most_per_day : int
        Trainings that may begin within 24 hours, whoever asked for them.
    new_labels : int
        Rows with a ripe label that the last training did not see yet; with fewer, a training waits a day.
    back_off_hours : float
        Pause after a failure; each further failure in a row doubles it, up to a week.

    Raises
    ------
    SpecError
        If a number is out of its range.

    Examples
    --------
    >>> TrainingRules(most_per_day=0)
    Traceback (most recent call last):
    estate.core.errors.SpecError: `most_per_day` of TrainingRules: expected a number of at least 1, got 0.
    """

    cool_down_days: float = 1.0
    most_per_day: int = 3
    new_labels: int = 50
    back_off_hours: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value, least = getattr(self, field.name), 1 if field.name == "most_per_day" else 0
            if not isinstance(value, int | float) or not math.isfinite(value) or value < least:
                raise SpecError(
                    f"`{field.name}` of TrainingRules",
                    expected=f"a number of at least {least}",
                    got=repr(value),
                )


DEFAULT_RULES = TrainingRules()


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a waiting request wants.

    Parameters
    ----------
    cause : str
        ``schedule``, ``drift``, ``quality``, ``person`` or ``api``.
    version : str or None
        The version that an alarm is about; None where the wish is about none.
    due_at : datetime or None
        The hour of the schedule.
    not_before : datetime or None
        Put off until then.
    named_moment : bool
        Whether the training is to know what was known at a moment that was named.
    """

    cause: str
    version: str | None = None
    due_at: datetime | None = None
    not_before: datetime | None = None
    named_moment: bool = False


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the platform knows of a model when it weighs a wish.

    Parameters
    ----------
    production : str
        The version in production; ``rules`` if there is none.
    running : str or None
        The request that is being trained.
    newest : datetime or None
        The latest moment that a training knows which is done or runs.
    knew : datetime or None
        The latest moment that a training knew which is done.
    begun : tuple of datetime
        When the trainings of the last 24 hours began.
    failed : tuple of datetime
        When trainings failed, in a row since the last one that was done, newest first.
    broken : tuple of str
        Codes of open incidents that stop training.
    """

    production: str = "rules"
    running: str | None = None
    newest: datetime | None = None
    knew: datetime | None = None
    begun: tuple[datetime, ...] = ()
    failed: tuple[datetime, ...] = ()
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Objection:
    """Why a request is not trained now.

    Parameters
    ----------
    rule : str
    reason : str
        For a person.
    final : bool
        Refused for good; else it waits.
    """

    rule: Rule
    reason: str
    final: bool = False


def weigh(rules: TrainingRules, wish: Wish, known: Known, moment: datetime) -> Objection | None:
    """Return why a request may not be trained at this moment, or None if it may.

    Examples
    --------
    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 5, 12, tzinfo=UTC)
    >>> yesterday = Known(knew=noon - timedelta(hours=20))
    >>> weigh(DEFAULT_RULES, Wish(cause="drift"), yesterday, noon).rule
    'cool_down'
    >>> weigh(DEFAULT_RULES, Wish(cause="person"), yesterday, noon) is None
    True
    """
    return _needless(wish, known) or _busy(wish, known) or _too_early(rules, wish, known, moment)


def nothing_new(rules: TrainingRules, cause: str, *, new_labels: int, same: str | None) -> Objection | None:
    """Return why rows that were read are not worth a training, or None if they are.

    Parameters
    ----------
    rules : TrainingRules
    cause : str
        A person may train on the same rows again.
    new_labels : int
        Rows that the last training did not see.
    same : str or None
        The request whose training had the same rows, features, estimator and packages.
    """
    if cause == "person":
        return None
    if same is not None:
        reason = f"request {same} trained on the same rows with the same features, estimator and packages"
        return Objection("same_data", reason, final=True)
    if new_labels < rules.new_labels:
        reason = f"{new_labels} new ripe labels, at least {rules.new_labels} are wanted; tried again in a day"
        return Objection("new_labels", reason)
    return None


def _needless(wish: Wish, known: Known) -> Objection | None:
    if wish.version is not None and wish.version != known.production:
        reason = f"version {wish.version} was replaced: {known.production} is in production"
        return Objection("replaced", reason, final=True)
    if wish.due_at is not None and known.newest is not None and known.newest >= wish.due_at:
        reason = f"a training knows everything up to {_said(known.newest)} already"
        return Objection("answered", reason, final=True)
    return None


def _busy(wish: Wish, known: Known) -> Objection | None:
    if known.running is None:
        return None
    if wish.cause == "schedule":
        reason = f"skipped: request {known.running} is being trained; the schedule comes again"
        return Objection("running", reason, final=True)
    return Objection("single_flight", f"request {known.running} is being trained")


def _too_early(rules: TrainingRules, wish: Wish, known: Known, moment: datetime) -> Objection | None:
    if wish.cause == "person" or wish.named_moment:
        return None
    if known.broken:
        codes = ", ".join(known.broken)
        return Objection("broken_data", f"the data are broken ({codes}): see `leadloop incidents`")
    if wish.not_before is not None and moment < wish.not_before:
        return Objection("new_labels", f"too few new ripe labels; waits until {_said(wish.not_before)}")
    return (
        _backing_off(rules, known, moment)
        or _cooling_down(rules, known, moment)
        or _spent(rules, known, moment)
    )


def _backing_off(rules: TrainingRules, known: Known, moment: datetime) -> Objection | None:
    if not known.failed:
        return None
    times = len(known.failed)
    pause = timedelta(hours=rules.back_off_hours) * 2 ** min(times - 1, 20)
    until = known.failed[0] + min(pause, LONGEST_BACK_OFF)
    if moment >= until:
        return None
    return Objection("back_off", f"{times} trainings failed in a row; waits until {_said(until)}")


def _cooling_down(rules: TrainingRules, known: Known, moment: datetime) -> Objection | None:
    if known.knew is None:
        return None
    until = known.knew + timedelta(days=rules.cool_down_days)
    if moment >= until:
        return None
    reason = f"the last training knew everything up to {_said(known.knew)}; waits until {_said(until)}"
    return Objection("cool_down", f"cool-down: {reason}")


def _spent(rules: TrainingRules, known: Known, moment: datetime) -> Objection | None:
    today = sorted(began for began in known.begun if began > moment - DAY)
    if len(today) < rules.most_per_day:
        return None
    until = today[-rules.most_per_day] + DAY
    return Objection(
        "budget", f"{len(today)} trainings began within 24 hours; the next may at {_said(until)}"
    )


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"

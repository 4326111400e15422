"""The platform's own way: watched at every step, trained when the governor lets a request go."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import numpy as np

from estate.core.clock import pretend
from estate.core.frame import Numbers
from estate.store import training_requests
from estate.store.training_claims import claim_waiting
from estate.store.training_requests import Request
from estate.store.watch_passes import WatchPass
from monitoring.watch import watch
from rehearsal.desk import Desk
from rehearsal.events import Event, Replayed
from rehearsal.recording import Recording, Step

LOOKED_BEFORE = ("quiet", "too_few")


def run_platform(  # noqa: PLR0913 - what is replayed, and how, by keyword
    recording: Recording,
    steps: Sequence[Step],
    *,
    window: int,
    schedule_days: float | None,
    say: Callable[[str], None],
    desk: Desk | None = None,
) -> Replayed:
    """Let the real watch, governor, training, gate and promotion act at every step.

    Parameters
    ----------
    recording : Recording
    steps : sequence of Step
    window : int
        Predictions that a pass of the watch looks at, at most.
    schedule_days : float or None
        A request of the schedule after so many days, besides what the watch asks for; none if None.
    say : callable
        Told of each step.
    desk : Desk, optional
        One of the caller's own.
    """
    began, desk = time.perf_counter(), desk or Desk(recording)
    run = _Run(desk, window, schedule_days, steps[0].moment)
    answers: list[Numbers] = []
    for place, step in enumerate(steps, start=1):
        if step is not steps[0]:
            run.act(step)
        answers.append(desk.answer(step))
        say(
            f"leadloop: {step.moment:%Y-%m-%d}, step {place} of {len(steps)}, {len(desk.trainings)} trainings"
        )
    seconds = time.perf_counter() - began
    return Replayed("leadloop", np.concatenate(answers), tuple(desk.trainings), tuple(run.events), seconds)


class _Run:
    """The steps of the platform's way, with what happened."""

    def __init__(self, desk: Desk, window: int, schedule_days: float | None, begin: datetime) -> None:
        self.desk = desk
        self.window = window
        self.schedule_days = schedule_days
        self.events: list[Event] = []
        self._scheduled = begin
        self._told: str | None = None

    def act(self, step: Step) -> None:
        with pretend(step.moment):
            self._watch(step)
            self._schedule(step)
            with self.desk.platform.database.begin() as connection:
                # As the flow `dispatch` does.
                claimed = claim_waiting(connection, self.desk.platform.catalog.training_rules)
        for request in claimed:
            self._train(step, request)
        self._holds(step)

    def _watch(self, step: Step) -> None:
        desk = self.desk
        seen = watch(
            desk.platform.settings,
            desk.platform.database,
            desk.model,
            window=self.window,
            until=step.moment,
            registry=desk.platform.registry,
            report=False,
        )
        desk.decisions[seen.decision] += 1
        if seen.decision not in LOOKED_BEFORE:
            self._event(step, "alarm", _said(seen), tuple(sorted({f.code for f in seen.findings})))

    def _schedule(self, step: Step) -> None:
        if self.schedule_days is None or (step.moment - self._scheduled).days < self.schedule_days:
            return
        self._scheduled = step.moment
        with self.desk.platform.database.begin() as connection:
            training_requests.request_training(
                connection,
                self.desk.model,
                cause="schedule",
                detail="the schedule of the rehearsal",
                dedupe_key=f"schedule:{self.desk.model}:{step.moment.isoformat()}",
            )

    def _train(self, step: Step, request: Request) -> None:
        from flows.retrain import retrain

        run = partial(retrain, self.desk.model, cause=request.cause, request_id=request.request_id)
        made = self.desk.train(step.start, step.moment, run)
        if made is None:
            return
        self._event(step, "trained", f"{request.cause}: {request.detail}")
        outcome = f"version {made.version}" if made.version else "no version"
        self._event(
            step,
            "promoted" if made.passed else "refused",
            f"{outcome}{'' if made.passed else f': {made.why}'}",
        )

    def _holds(self, step: Step) -> None:
        """Say once for each reason why requests wait."""
        with self.desk.platform.database.begin() as connection:
            waiting = training_requests.list_requests(connection, self.desk.model, states=("waiting",))
        reason = waiting[0].reason if waiting else None
        if reason and reason != self._told:
            self._event(step, "held", reason)
        self._told = reason

    def _event(self, step: Step, kind: str, text: str, codes: tuple[str, ...] = ()) -> None:
        row = step.start - self.desk.recording.first
        self.events.append(Event(row, step.moment, kind, text, codes))


def _said(seen: WatchPass) -> str:
    first = "; ".join(finding.sentence for finding in seen.findings[:3])
    more = f" (and {len(seen.findings) - 3} more)" if len(seen.findings) > 3 else ""
    return f"{seen.decision}: {first}{more}"

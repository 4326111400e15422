"""The whole loop once, by itself, on the running stack: what `leadloop up --demo` shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from estate.core.errors import StackError
from estate.core.settings import Settings
from estate.store.database import Database
from estate.store.training_requests import Request
from infra.demo_diary import WORLD_DAYS, Diary
from infra.demo_story import Period, leads_of, log_losses, promote_staged, score_leads, served_version
from infra.training import ask, follow, run_flow

if TYPE_CHECKING:
    from rich.console import Console

    from estate.datasets.world import World

MODEL = "lead_conversion"
DAYS, DRIFT_DAY, LEADS_PER_DAY = WORLD_DAYS, 120, 64.0
"""Long enough after the drift that outcomes of leads that came after it are ripe: 60 days and a week."""
BEFORE, AFTER = Period("before the drift", 104, 113), Period("after the drift", 234, 243)
TRAINING_SECONDS = 600.0


@dataclass
class Demo:
    """The running stack, the world, and what happened so far, step by step."""

    settings: Settings
    database: Database
    world: World
    console: Console
    steps: list[tuple[str, float, str]] = field(default_factory=list)

    def step(self, name: str, do: Callable[[], str]) -> None:
        """Do one step, and show how long it took and what came of it."""
        began = time.monotonic()
        with self.console.status(name):
            result = do()
        seconds = time.monotonic() - began
        self.steps.append((name, seconds, result))
        self.console.print(f"{seconds:6.1f} s  {name}: {result}", highlight=False)

    def simulate(self, from_day: int, to_day: int) -> str:
        """Bring a span of the world's days into the database, as a file of a customer would come."""
        from estate.datasets.world import simulate_into

        written = simulate_into(
            self.database, self.world, home=self.settings.home, from_day=from_day, to_day=to_day
        )
        return f"{written.rows_new:,} new facts"

    def train(self) -> str:
        """Train on what was known on the day of the drift."""
        request = ask(
            MODEL, detail="demo: first version", as_of=self.world.at(DRIFT_DAY), settings=self.settings
        )
        return self._ended(request.request_id)

    def score(self, period: Period) -> str:
        """Score the leads of a period over HTTP."""
        leads = leads_of(self.database, self.world, period)
        return score_leads(self.settings, self.database, MODEL, leads)

    def watch(self, expected: str) -> str:
        """Have a worker run the deployed flow `watch`, and return what it decided."""
        from estate.store.watch_passes import list_passes

        run_flow(self.settings, "watch/watch", {"model": MODEL}, seconds=TRAINING_SECONDS)
        with self.database.begin() as connection:
            seen = list_passes(connection, MODEL, limit=1)[0]
        columns = ", ".join(sorted({finding.column or "scores" for finding in seen.findings}))
        if seen.decision != expected:
            raise StackError("watch", expected=expected, got=f"{seen.decision} ({columns or 'no findings'})")
        return f"{seen.decision}, {seen.rows} predictions" + (f"; moved: {columns}" if columns else "")

    def retrained(self) -> str:
        """Wait for the training of the alarm: its event starts `dispatch`, which starts `retrain`."""
        return self._ended(self._drift_request().request_id)

    def promote(self, why: str) -> str:
        """Promote the staged version, and wait until it answers."""
        version = promote_staged(self.settings, self.database, MODEL, why=why)
        return served_version(self.settings, MODEL, version)

    def _drift_request(self) -> Request:
        from estate.store import training_requests

        with self.database.begin() as connection:
            requests = training_requests.list_requests(connection, MODEL)
        return next(request for request in requests if request.cause == "drift")

    def _ended(self, request_id: str) -> str:
        ended = follow(request_id, seconds=TRAINING_SECONDS, say=lambda _: None, settings=self.settings)
        if ended.state != "done" or not (ended.reason or "").endswith("passed"):
            raise StackError(
                f"training of `{MODEL}`",
                expected="a version that passed its gate",
                got=f"{ended.state}: {ended.reason}",
                todo="See the flow run in the Prefect UI, and `leadloop explain`.",
            )
        return f"cause {ended.cause}, {ended.reason}"


def run_demo(settings: Settings) -> None:
    """Simulate, train, stage, promote, serve; then a sudden drift: alarm, retrain, gate, promote, serve.

    Everything goes through the running services: trainings and watches are run by the worker, leads are
    scored over HTTP, promotions are rows of the ledger. A home that has seen it is not put through it again:
    it only scores leads with what is in production.

    Raises
    ------
    StackError
        If a step does not end as it should; says which.
    """
    from rich.console import Console

    database = Database(settings.endpoint("database_url"))
    diary = Diary(settings.home / "demo.json")
    began = diary.read()
    demo = Demo(settings, database, _world(began.start), Console())
    if began.finished:
        demo.console.print("The loop was shown here before (delete the home folder to see it again).")
        demo.step("score leads over HTTP", lambda: demo.score(AFTER))
        return
    diary.write(began)
    _tell(demo)
    diary.write(replace(began, finished=True))
    _summary(demo)


def _tell(demo: Demo) -> None:
    demo.step(f"days 0 to {DRIFT_DAY} into the database", lambda: demo.simulate(0, DRIFT_DAY))
    demo.step("train, gate, register, stage", demo.train)
    demo.step("promote and serve", lambda: demo.promote("demo: first version"))
    demo.step("score leads over HTTP", lambda: demo.score(BEFORE))
    with ThreadPoolExecutor(1) as aside:  # a worker watches while the next days come in
        watched = aside.submit(demo.watch, "quiet")
        demo.step(f"days {DRIFT_DAY} to {DAYS}: a sudden drift", lambda: demo.simulate(DRIFT_DAY, DAYS))
        demo.step("watch (began beside the import)", watched.result)
    demo.step("score leads after the drift", lambda: demo.score(AFTER))
    demo.step("watch: alarm", lambda: demo.watch("drift"))
    demo.step("retrain because of the drift", demo.retrained)
    demo.step("promote and serve", lambda: demo.promote("demo: better after the drift"))
    demo.step("score the same leads", lambda: demo.score(AFTER))


def _world(start: date) -> World:
    from estate.datasets.world import Drift, DriftKind, World

    drift = Drift(kind=DriftKind.SUDDEN, day=DRIFT_DAY)
    return World(seed=7, leads_per_day=LEADS_PER_DAY, start=start, days=DAYS, drift=drift)


def _summary(demo: Demo) -> None:
    from rich.table import Table

    table = Table("step", "seconds", "result", title="The loop, once")
    for name, seconds, result in demo.steps:
        table.add_row(name, f"{seconds:.1f}", result)
    table.add_row("together", f"{sum(seconds for _, seconds, _ in demo.steps):.1f}", "")
    demo.console.print(table)
    demo.console.print(log_losses(demo.settings, demo.database, MODEL, demo.world, (BEFORE, AFTER)))

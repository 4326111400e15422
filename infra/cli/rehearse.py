"""``leadloop rehearse MODEL``: months through watch, governor, training, gate and promotion, in minutes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.core.model_spec import ModelSpec
    from estate.core.settings import Settings
    from estate.store.database import Database
    from rehearsal import Plan, Rehearsal


def rehearse_command(  # noqa: PLR0913, PLR0917  a command's options are its arguments
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    start: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Learn first from what was known then; default: a fifth."),
    ] = None,
    step_days: Annotated[float, typer.Option("--step-days", min=0.01, help="How often the watch looks.")] = 7,
    window: Annotated[int, typer.Option(min=30, help="Predictions that a look judges at most.")] = 500,
    schedule_days: Annotated[
        float | None, typer.Option(min=0.01, help="Requests of a schedule besides the watch's.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Stop after so many steps.")] = None,
    simulate: Annotated[
        str | None,
        typer.Option(help="A simulated desk: none, gradual, sudden, seasonal, broken_feed or new_source."),
    ] = None,
    days: Annotated[int, typer.Option(min=60, help="Of the simulated desk.")] = 300,
    leads_per_day: Annotated[float, typer.Option(min=1, help="Of the simulated desk.")] = 60,
    drift_day: Annotated[int, typer.Option(min=0, help="Of the simulated desk.")] = 150,
    seed: Annotated[int, typer.Option(help="Of the simulated desk.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Folder of the report.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Replay recorded or simulated months on the real code, and compare with other ways of retraining.

    Nothing of the running platform is touched: the rehearsal has a database, a registry and a Prefect server
    of its own, which are removed at the end. What stays is the report.
    """
    from estate.catalog import load_catalog
    from estate.core.clock import now
    from estate.core.settings import load_settings
    from rehearsal import Plan
    from rehearsal.report import as_json as whole
    from rehearsal.report import write_report

    settings = load_settings()
    spec = load_catalog(settings).get(model)
    _require(spec, simulate)
    world = None if simulate is None else _World(simulate, days, leads_per_day, drift_day, seed)
    plan = Plan(window=window, schedule_days=schedule_days, most_steps=steps)
    begin = start.replace(tzinfo=UTC) if start else None
    folder = (out or settings.home / "rehearsals" / f"{model}-{now():%Y%m%dT%H%M%SZ}").absolute()
    made = _run(settings, spec, plan, world=world, start=begin, step_days=step_days)
    page = write_report(made, folder)
    if as_json:
        sys.stdout.write(json.dumps({**whole(made), "report": str(page)}, default=str) + "\n")
    else:
        _show(made, page)


class _World:
    """A simulated desk, as the command line describes it."""

    def __init__(self, drift: str, days: int, leads_per_day: float, drift_day: int, seed: int) -> None:
        self.drift = drift
        self.days = days
        self.leads_per_day = leads_per_day
        self.drift_day = drift_day
        self.seed = seed

    def write(self, settings: Settings, database: Database) -> None:
        """Simulate into a database."""
        from estate.datasets.world import Drift, World, simulate_into

        drift = None if self.drift == "none" else Drift(self.drift, day=self.drift_day)
        world = World(seed=self.seed, leads_per_day=self.leads_per_day, days=self.days, drift=drift)
        simulate_into(database, world, home=settings.home)


def _require(spec: ModelSpec, simulate: str | None) -> None:
    from estate.core.errors import SpecError
    from estate.core.model_spec import CrmSource, QuerySource, Task

    what = f"rehearsal of `{spec.name}`"
    if spec.task is Task.MULTICLASS:
        raise SpecError(
            what,
            expected="a binary or a regression model",
            got="a multiclass one",
            todo="Rehearse one class against the rest.",
        )
    if isinstance(spec.source, QuerySource) and not spec.source.url:
        raise SpecError(
            what,
            expected="a query with a `url`: a rehearsal has a database of its own",
            got="one on the platform's database",
            todo="Name the database as `url` of the source.",
        )
    if simulate is not None and not isinstance(spec.source, CrmSource):
        raise SpecError(
            f"{what} on a simulated desk",
            expected="a model of leads and their histories",
            got=f"a {type(spec.source).__name__}",
            todo="Leave `--simulate` out: the model's own source is replayed.",
        )


def _run(  # noqa: PLR0913 - what to rehearse
    settings: Settings,
    spec: ModelSpec,
    plan: Plan,
    *,
    world: _World | None,
    start: datetime | None,
    step_days: float,
) -> Rehearsal:
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from rehearsal import recorded, rehearse
    from rehearsal.grounds import grounds

    models = ":".join(str(path.absolute()) for path in settings.models)
    with _progress() as say, grounds({"LEADLOOP_MODELS": models}) as ground, ground.platform("rehearsed"):
        own = load_settings()
        database = Database(own.endpoint("database_url"))
        _fill(settings, spec, own, database, world=world, say=say)
        recording = recorded(spec, database, start=start, step_days=step_days)
        return rehearse(recording, plan, say=say)


def _fill(  # noqa: PLR0913 - from where to where
    settings: Settings,
    spec: ModelSpec,
    own: Settings,
    database: Database,
    *,
    world: _World | None,
    say: Callable[[str], None],
) -> None:
    from estate.core.model_spec import CrmSource
    from estate.store.database import Database
    from rehearsal.facts import copy_facts

    if world is not None:
        say("a desk is simulated")
        world.write(own, database)
    elif isinstance(spec.source, CrmSource):
        copy_facts(Database(settings.endpoint("database_url")), database, say=say)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    from rich.console import Console

    with Console(stderr=True).status("rehearsing") as shown:
        yield shown.update


def _show(made: Rehearsal, page: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    rows, console = made.rows(), Console()
    table = Table(*(name.replace("_", " ") for name in rows[0]))
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    console.print(table)
    console.print(f"report: {page}", highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("rehearse")(rehearse_command)

"""``leadloop import`` and ``leadloop simulate``: how data comes in."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.core.settings import Settings
    from estate.datasets.report import ImportReport, Progress
    from estate.datasets.world import Drift, Written
    from estate.store.database import Database

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def import_command(
    kind: Annotated[
        str,
        typer.Argument(help="leads, interactions, messages, properties, listings, outcomes or market_index."),
    ],
    file: Annotated[Path, typer.Argument(help="CSV (also .gz) or Parquet.")],
    mapping: Annotated[
        Path | None, typer.Option(help="YAML: what the file calls our columns and values.")
    ] = None,
    corrections: Annotated[
        bool, typer.Option(help="Other values of known facts are corrections, learned now.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Import a file; the same file again changes nothing, a killed import goes on where it was."""
    from estate.datasets.importer import import_file
    from estate.datasets.mapping import read_mapping

    read = read_mapping(mapping) if mapping else None
    settings, database = _where()
    with _bar() as progress:
        report = import_file(
            database,
            kind,
            file,
            home=settings.home,
            mapping=read,
            corrections=corrections,
            progress=progress,
        )
    sys.stdout.write((_as_json(report) if as_json else _sentence(report)) + "\n")


def simulate_command(  # noqa: PLR0913, PLR0917  a command's options are its arguments
    seed: Annotated[int, typer.Option(help="The same seed makes the same world.")] = 0,
    leads_per_day: Annotated[float, typer.Option(help="Mean over a week.")] = 100.0,
    days: Annotated[int, typer.Option(help="How long the world goes on.")] = 150,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day, in UTC.")] = datetime(
        2026, 1, 5
    ),
    drift: Annotated[
        str | None, typer.Option(help="gradual, sudden, seasonal, broken_feed or new_source.")
    ] = None,
    drift_day: Annotated[int, typer.Option(help="Day on which the drift begins.")] = 0,
    drift_length: Annotated[
        float | None, typer.Option(help="Days; what it means depends on the drift.")
    ] = None,
    from_day: Annotated[int, typer.Option(help="Only what is recorded from this day on.")] = 0,
    as_json: _Json = False,
) -> None:
    """Simulate a lead desk and import what it records; a later --from-day goes on with the same world."""
    from estate.datasets.world import World, simulate_into

    world = World(
        seed=seed,
        leads_per_day=leads_per_day,
        start=start.date(),
        days=days,
        drift=_drift(drift, drift_day, drift_length),
    )
    settings, database = _where()
    with _bar() as progress:
        written = simulate_into(database, world, home=settings.home, from_day=from_day, progress=progress)
    sys.stdout.write((_written_as_json(written) if as_json else _written(written)) + "\n")


def _drift(kind: str | None, day: int, length_days: float | None) -> Drift | None:
    from estate.datasets.world import Drift

    return None if kind is None else Drift(kind, day=day, length_days=length_days)


def _where() -> tuple[Settings, Database]:
    from estate.core.settings import load_settings
    from estate.store.database import Database

    settings = load_settings()
    return settings, Database(settings.endpoint("database_url"))


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, int] = {}

        def progress(now: Progress) -> None:
            if now.kind not in tasks:
                tasks[now.kind] = bar.add_task(now.kind, total=1.0)
            text = f"{now.kind}: {now.rows_read:,} rows, {now.rows_refused:,} refused"
            bar.update(tasks[now.kind], completed=now.share, description=text)  # type: ignore[arg-type]

        yield progress


def _sentence(report: ImportReport) -> str:
    if report.finished_before:
        return f"{report.file.name} was imported before: {report.rows_read:,} rows, nothing new."
    parts = [f"{report.rows_new:,} new", f"{report.rows_known:,} known", f"{report.rows_refused:,} refused"]
    if report.rows_corrected:
        parts.insert(1, f"{report.rows_corrected:,} corrected")
    if report.rows_erased:
        parts.append(f"{report.rows_erased:,} left out of erased leads")
    lines = [f"{report.kind} from {report.file.name}: {report.rows_read:,} rows, {', '.join(parts)}."]
    if report.resumed_at:
        lines.append(f"Went on after row {report.resumed_at:,}, where the last run ended.")
    if report.quarantine:
        lines.append(f"Refused rows and reasons: {report.quarantine}")
    if report.ignored_columns:
        lines.append(f"Columns that are not used: {', '.join(report.ignored_columns)}")
    return "\n".join(lines)


def _written(written: Written) -> str:
    lines = [_sentence(report) for report in written.reports]
    return "\n".join([*lines, f"True probabilities, for measuring only: {written.truth}"])


def _as_json(report: ImportReport) -> str:
    return json.dumps(asdict(report), default=str)


def _written_as_json(written: Written) -> str:
    reports = [asdict(report) for report in written.reports]
    return json.dumps({"reports": reports, "truth": str(written.truth)}, default=str)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_command)
    app.command("simulate")(simulate_command)

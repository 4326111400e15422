"""``leadloop score MODEL``: a file, or all open leads, by the version in production."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer


def score_command(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    source: Annotated[
        Path | None, typer.Option("--in", help="CSV or Parquet to score; all open leads if left out.")
    ] = None,
    target: Annotated[Path | None, typer.Option("--out", help="CSV or Parquet to write.")] = None,
    as_of: Annotated[
        datetime | None, typer.Option(help="Open leads as of this time (UTC); now if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Score every row of a file, or every open lead into the predictions table."""
    if (source is None) != (target is None):
        raise typer.BadParameter("--in and --out belong together")
    if source is not None and as_of is not None:
        raise typer.BadParameter("--as-of is for open leads, not for a file")
    if source is not None and target is not None:
        said = _score_file(model, source, target)
    else:
        said = _score_leads(model, as_of)
    if as_json:
        sys.stdout.write(json.dumps(said) + "\n")
    else:
        sys.stdout.write(", ".join(f"{name}: {value}" for name, value in said.items()) + "\n")


def _score_file(model: str, source: Path, target: Path) -> dict[str, str | int]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from estate.core.settings import load_settings
    from estate.store.database import Database
    from serving.batch import score_file
    from serving.production import answering_of, production_model

    settings = load_settings()
    served = production_model(settings, Database(settings.endpoint("database_url")), model)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"scoring {source.name}", total=None)

        def progress(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        rows = score_file(served, source, target, progress=progress)
    answering = answering_of(served)
    return {
        "model": model,
        "rows": rows,
        "version": answering.version,
        "source": answering.answered_by.value,
        "out": str(target),
    }


def _score_leads(model: str, as_of: datetime | None) -> dict[str, str | int]:
    from estate.core.clock import now
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from serving.batch import score_open_leads

    settings = load_settings()
    moment = now() if as_of is None else as_of.replace(tzinfo=UTC)
    leads = score_open_leads(settings, Database(settings.endpoint("database_url")), model, as_of=moment)
    return {"model": model, "leads": leads, "as_of": moment.isoformat()}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("score")(score_command)

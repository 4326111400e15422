"""``leadloop reports``: what the watch decided over time, and where its reports lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.store.watch_passes import WatchPass

Model = Annotated[str | None, typer.Argument(help="Name of the model; all if not given.")]
Limit = Annotated[int, typer.Option(min=1, help="At most so many passes of each model.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reports")(reports)


def reports(model: Model = None, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List the passes of the watch, newest first: decision, findings, and the report where it is kept."""
    from dataclasses import asdict

    from estate.core.settings import load_settings
    from estate.store.database import Database
    from estate.store.watch_passes import list_passes
    from estate.store.watched_models import watched_models
    from infra.cli.registry_view import print_json

    with Database(load_settings().endpoint("database_url")).begin() as connection:
        models = [model] if model else watched_models(connection)
        passes = [made for name in models for made in list_passes(connection, name, limit=limit)]
    passes.sort(key=lambda made: made.at, reverse=True)
    if as_json:
        print_json([{**asdict(made), "report": _page(made)} for made in passes])
    elif passes:
        _show(passes)
    else:
        print("The watch has made no pass yet: `leadloop watch MODEL` makes one.")


def _page(made: WatchPass) -> str | None:
    """Return the report's page, where it is kept. (As `monitoring` says too, which takes seconds to load.)"""
    from pathlib import Path

    page = Path(made.report) / "report.html" if made.report else None
    return str(page) if page and page.is_file() else None


def _show(passes: list[WatchPass]) -> None:
    from rich.console import Console
    from rich.markup import escape

    from infra.cli.registry_view import show_time, table_of

    table = table_of("at (UTC)", "model", "version", "decision", "findings", "report")
    for made in passes:
        found = ", ".join(f"{f.code} {f.column}" if f.column else f.code for f in made.findings)
        report = _page(made) or ("not kept" if made.report else "")
        cells = (made.model, made.version, made.decision, escape(found), escape(report))
        table.add_row(show_time(made.at), *cells)
    Console().print(table)

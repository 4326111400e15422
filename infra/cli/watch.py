"""``leadloop watch MODEL``: one look at a model's recent predictions, now."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.store.watch_passes import WatchPass

_DECISIONS = {
    "quiet": "quiet: nothing moved that chance would not explain",
    "too_few": "cannot judge",
    "broken_data": "broken data: repair the feed; no training was asked for",
    "mix": "the mix of traffic changed; inside its parts nothing moved",
    "moved": "moved, and costs no quality; no training was asked for",
    "drift": "drift",
    "worse": "the quality fell",
}


def watch_command(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    window: Annotated[
        int, typer.Option(min=1, max=5000, help="Judge at most so many latest predictions.")
    ] = 500,
    days: Annotated[
        float | None, typer.Option(min=0.01, max=366, help="Judge all of so many days instead.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare the model's recent predictions with what its production version was trained on.

    Exits 1 where the data are broken, 0 otherwise.
    """
    from estate.catalog import load_catalog
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from monitoring import watch

    settings = load_settings()
    load_catalog(settings).get(model)
    made = watch(settings, Database(settings.endpoint("database_url")), model, window=window, days=days)
    if as_json:
        sys.stdout.write(json.dumps(asdict(made), default=str) + "\n")
    else:
        show(made)
    if made.decision == "broken_data":
        raise typer.Exit(1)


def show(made: WatchPass) -> None:
    """Print a pass for a person."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    span = (
        f", {made.window_from:%Y-%m-%d %H:%M} to {made.window_to:%Y-%m-%d %H:%M}" if made.window_from else ""
    )
    console.print(f"{made.model} version {made.version}: {made.rows} predictions{span}", highlight=False)
    if made.findings:
        table = Table("code", "column", "statistic", "threshold", "what was found")
        for finding in made.findings:
            numbers = ["" if n is None else f"{n:.4g}" for n in (finding.statistic, finding.threshold)]
            table.add_row(finding.code, escape(finding.column or ""), *numbers, escape(finding.sentence))
        console.print(table)
    if made.visible:
        console.print(escape(made.visible), highlight=False)
    console.print(f"decision: {_DECISIONS[made.decision]}", highlight=False)
    if made.request_id:
        console.print(f"training request: {made.request_id}", highlight=False)
    if made.report:
        console.print(f"report: {escape(made.report)}/report.html", highlight=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("watch")(watch_command)

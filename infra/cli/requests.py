"""`leadloop requests`: who asked for trainings, and what the governor decided."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("requests")(requests)


def requests(
    model: Annotated[str | None, typer.Argument(help="Only of this model.")] = None,
    last: Annotated[int, typer.Option(min=1, help="So many requests, the newest first.")] = 20,
    why: Annotated[bool, typer.Option(help="Each decision of the governor on each of them.")] = False,
) -> None:
    """List training requests: who asked, what became of them, and why."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from estate.core.settings import load_settings
    from estate.store.database import Database
    from estate.store.governor_decisions import decisions_on
    from estate.store.training_requests import list_requests

    database = Database(load_settings().endpoint("database_url"))
    with database.begin() as connection:
        found = list_requests(connection, model, limit=last)
        decided = decisions_on(connection, [request.request_id for request in found]) if why else {}
    if not found:
        typer.echo("No training was asked for yet.")
        return
    console = Console(highlight=False)
    for request in found:
        asked = f"{request.requested_at:%Y-%m-%d %H:%M} UTC  {request.model}"
        by = request.cause if request.who == request.cause else f"{request.cause}, {request.who}"
        console.print(Text(f"{asked}  {request.state}  ({by})", style="bold"))
        if request.reason:
            console.print(Padding(Text(request.reason), (0, 0, 0, 4)))
        for one in decided.get(request.request_id, ()):
            rule = f" ({one.rule})" if one.rule else ""
            line = f"{one.at:%m-%d %H:%M:%S}  {one.decision}{rule}: {one.reason}"
            console.print(Padding(Text(line, style="dim"), (0, 0, 0, 4)))

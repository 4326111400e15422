"""``leadloop status``: each part, its address and its health."""

from __future__ import annotations

from typing import Annotated

import typer


def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show every part of the stack. Exits with 1 if it is not up or a part is not healthy."""
    import json
    from dataclasses import asdict

    from estate.core.settings import load_settings
    from infra.cli.parts_view import console, show_parts
    from infra.stack import read_status

    found = read_status(load_settings().home)
    if as_json:
        typer.echo(json.dumps(asdict(found)))
    else:
        out = console()
        out.print(
            f"stack in {found.home}: {found.state}" + (f" (supervisor {found.pid})" if found.pid else "")
        )
        if found.parts:
            show_parts(found)
        for line in (*found.notes, *([found.error] if found.error else [])):
            out.print(line, style="yellow")
        if found.pid is None:
            out.print("`leadloop up` starts it.")
    if not found.good:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("status")(status)

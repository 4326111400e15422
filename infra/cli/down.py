"""``leadloop down``: stop the stack, and only it."""

from __future__ import annotations

import time
from pathlib import Path

import typer


def down() -> None:
    """Stop every process of the stack of this home. What is stored stays."""
    from estate.core.settings import load_settings
    from infra.stack import read_status

    home = load_settings().home.resolve()
    was_running = read_status(home).pid is not None
    stop_and_tell(home)
    if not was_running:
        typer.echo(f"No stack is running in {home}.")


def stop_and_tell(home: Path) -> None:
    """Stop it and print each part that has stopped."""
    from infra.stack import read_status, stop

    began, was_running = time.monotonic(), read_status(home).pid is not None
    for part in stop(home):
        typer.echo(f"  stopped {part.name}")
    if was_running:
        typer.echo(f"down after {time.monotonic() - began:.1f} s")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("down")(down)

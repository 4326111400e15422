"""How the parts of the stack look in a terminal, and as plain lines where there is none."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from infra.stack import PartStatus, StackStatus

_TITLES = ("part", "state", "address", "pid", "ready after", "since (UTC)", "restarts", "last exit")
_COLOURS = {
    "healthy": "green",
    "done": "green",
    "starting": "yellow",
    "stopping": "yellow",
    "restarting": "red",
    "unhealthy": "red",
    "failed": "red",
}


def console() -> Console:
    """Return a console for standard output; addresses are not broken over lines."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def show_parts(status: StackStatus) -> None:
    """Print one line for each part; a line is never cut, whatever the width of the terminal."""
    rows = [_TITLES, *(_row(part) for part in status.parts)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_TITLES))]
    out = console()
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        out.print(
            f"  {line}".rstrip(), style=_COLOURS.get(row[1], "bold" if row is _TITLES else ""), markup=False
        )


def _row(part: PartStatus) -> tuple[str, ...]:
    seconds = f"{part.seconds:.1f} s" if part.good else ""
    since = part.since[:19].replace("T", " ")
    return (
        part.name,
        part.state,
        part.address,
        str(part.pid or ""),
        seconds,
        since,
        str(part.restarts),
        part.last_exit,
    )


def show_start(states: Iterable[StackStatus]) -> None:
    """Show a stack that comes up: one line for each part that is ready, and what is still awaited."""
    out, began = console(), time.monotonic()
    shown: set[str] = set()
    with out.status("starting") as waiting:
        for status in states:
            for part in status.parts:
                if part.good and part.name not in shown:
                    shown.add(part.name)
                    out.print(_ready_line(part))
            awaited = [part.name for part in status.parts if part.state == "starting"]
            waiting.update(
                f"{time.monotonic() - began:.0f} s: waiting for {', '.join(awaited) or 'the supervisor'}"
            )
    out.print(f"up after {time.monotonic() - began:.1f} s", style="bold")


def _ready_line(part: PartStatus) -> str:
    return f"  {part.name:<12} {part.seconds:6.1f} s  {part.address}".rstrip()


def show_addresses(status: StackStatus) -> None:
    """Print what to open, and what a person should know."""
    out = console()
    for part in status.parts:
        if part.address:
            address = part.address.removesuffix("/api")
            out.print(f"  {part.name:<12} {address}")
    for note in status.notes:
        out.print(note, style="yellow")

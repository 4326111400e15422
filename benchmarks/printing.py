"""A benchmark's result for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast


def print_result(result: Mapping[str, object]) -> None:
    """Print rows and goals as tables, then what was measured where."""
    from rich.console import Console

    # A table that is cut is no result: as wide as its rows, also where the output is a file.
    console = Console(width=240, highlight=False)
    rows = cast(list[dict[str, object]], result["rows"])
    goals = cast(list[dict[str, object]], result["goals"])
    _print_table(console, str(result["benchmark"]), rows)
    if goals:
        told = [{**goal, "met": "yes" if goal["met"] else "NO"} for goal in goals]
        _print_table(console, "goals", told)
    if result.get("plot"):
        console.print(f"plot: {result['plot']}", soft_wrap=True)
    console.print(f"{result['machine']}; commit {result['commit']}", soft_wrap=True)


def _print_table(console: object, title: str, rows: list[dict[str, object]]) -> None:
    from rich.console import Console
    from rich.table import Table

    assert isinstance(console, Console)
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(*names, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in names))
    console.print(table)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool() | str():
            return str(value)
        case float():
            return f"{value:.4g}"
        case tuple() | list():
            return " to ".join(_cell(part) for part in value)
        case _:
            return str(value)

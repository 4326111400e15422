"""``leadloop features``: what every feature of leads means."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.features.dictionary import Described

_HEAD = """# Features

What a model of leads can learn from: one function a column in `estate/features/`, the same for a training
row and for a lead that is scored now. All of it is as of a moment, the lead's own: nothing that happened or
was learned later is seen, see [data.md](data.md). Written by `leadloop features --markdown`.
"""
_WIDE = 160
"""Characters in a line where no terminal says how many there are."""
_COLUMNS = ("name", "meaning", "unit", "range", "window", "missing")


def features_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
    markdown: Annotated[bool, typer.Option(help="Print the page docs/features.md.")] = False,
) -> None:
    """List every feature of leads: meaning, unit, range, window, and when it is missing."""
    from estate.features.dictionary import all_features, describe

    found = [describe(feature) for feature in all_features()]
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in found], indent=2) + "\n")
    elif markdown:
        sys.stdout.write(page(found))
    else:
        _print(found)


def page(found: list[Described]) -> str:
    """Return the page of the docs."""
    parts = [_HEAD]
    for subject, group in groupby(found, key=lambda one: one.subject):
        rows = [f"| `{one.name}` | {' | '.join(_cells(one))} |" for one in group]
        head = f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}\n"
        parts.append(f"\n## {subject}\n\n{head}" + "\n".join(rows) + "\n")
    return "".join(parts)


def _cells(one: Described) -> tuple[str, ...]:
    return (one.meaning, one.unit, _range(one), one.window, one.missing or "never")


def _range(one: Described) -> str:
    if one.low is None and one.high is None:
        return "any"
    return f"{one.low:g} and more" if one.high is None else f"{one.low:g} to {one.high:g}"


def _print(found: list[Described]) -> None:
    from rich.console import Console

    from infra.cli.registry_view import table_of

    table = table_of(*_COLUMNS)
    table.columns[0].no_wrap = True  # a name is to be copied
    for one in found:
        table.add_row(one.name, *_cells(one))
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("features")(features_command)

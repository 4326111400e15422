"""``leadloop rebuild``: the rows of a training once more, and the proof that they are the same."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.rebuild import Rebuilt


def rebuild_command(
    run: Annotated[str, typer.Argument(help="Id of a run in MLflow, or MODEL/VERSION.")],
    out: Annotated[Path | None, typer.Option(help="Keep the rows made anew in this Parquet file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compute a training's rows once more, as of its moment, and compare; exit code 1 if a bit differs."""
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from infra.rebuild import rebuild
    from model_registry import connect

    settings = load_settings()
    made = rebuild(settings, Database(settings.endpoint("database_url")), connect(settings), run, out=out)
    if as_json:
        typer.echo(json.dumps({**asdict(made), "equal": made.compared.equal}))
    else:
        typer.echo(_sentence(made))
    if not made.compared.equal:
        raise typer.Exit(1)


def _sentence(made: Rebuilt) -> str:
    found, what = made.compared, made.about
    of = f"{what.model} as of {what.as_of}, fingerprint {what.fingerprint[:16]}"
    if found.equal:
        file = (
            "the file is the same to the last byte" if made.same_bytes else "only the file's packing differs"
        )
        return f"equal: {found.rows:,} rows of {of}; {file}."
    lines = [
        f"different: {found.rows:,} rows were kept of {of}, {found.rebuilt_rows:,} are there now.",
        f"Cases gone: {found.gone:,}; new: {found.new:,}.",
    ]
    lines += [f"Changed in {name}: {count:,} cases." for name, count in found.changed.items()]
    lines.append(
        "Facts may have been stored since then that say they were recorded before it, or been erased; "
        "a model of a file sees the file as it is now."
    )
    return "\n".join(lines)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rebuild")(rebuild_command)

"""``leadloop ledger verify``: is the ledger what was written?

A chain of hashes can't show that its end was cut off or rewritten, so each check that finds it whole writes
its newest row to a file, and the next check must find that row again. The file protects only from the first
check on, and only where whoever changes the database can't change it too: keep it on another machine
(``--anchor``) if that matters.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.store.ledger_chain import Chain, Head

HEAD_FILE = "ledger_head.json"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.callback()(ledger)
    group.command("verify")(verify)
    app.add_typer(group, name="ledger")


def ledger() -> None:
    """Check the ledger: who put which version into production, when, why."""


def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    anchor: Annotated[
        Path | None,
        typer.Option(help=f"File with the newest row of the last check; <home>/{HEAD_FILE} if left out."),
    ] = None,
) -> None:
    """Check every row of the ledger. Exits with 1 and names the row that was tampered with."""
    from estate.core.errors import StoreError
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from estate.store.ledger_chain import check_chain

    settings = load_settings()
    file = anchor or settings.home / HEAD_FILE
    known, began = _read(file), time.perf_counter()
    try:
        with Database(settings.endpoint("database_url")).begin() as connection:
            chain = check_chain(connection, known=known)
    except StoreError as error:
        if as_json:
            typer.echo(json.dumps({"ok": False, "problem": str(error)}))
        raise
    seconds = time.perf_counter() - began
    _write(file, chain)
    if as_json:
        head = {"seq": chain.head.seq, "hash": chain.head.hash} if chain.head else None
        said = {"ok": True, "rows": chain.rows, "head": head, "seconds": round(seconds, 3)}
        typer.echo(json.dumps({**said, "anchor": str(file), "anchored": known is not None}))
    else:
        sys.stdout.write(_sentence(chain, known, file, seconds=seconds))


def _sentence(chain: Chain, known: Head | None, file: Path, *, seconds: float) -> str:
    if chain.head is None:
        return "The ledger has no rows yet.\n"
    found = (
        f"Row {known.seq}, the newest at the last check, is still there."
        if known
        else "This was the first check: that nothing was cut off before it can't be seen."
    )
    return (
        f"{chain.rows} rows, each as it was written, checked in {seconds:.1f} s. {found}\n"
        f"The newest is row {chain.head.seq} with hash {chain.head.hash}, noted in {file}.\n"
    )


def _read(file: Path) -> Head | None:
    from estate.core.errors import StoreError
    from estate.store.ledger_chain import Head

    try:
        raw = json.loads(file.read_text())
        return Head(int(raw["seq"]), str(raw["hash"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"anchor {file}",
            expected="what an earlier check wrote",
            got=type(error).__name__,
            todo="Bring it back from a backup; without it, rows that were cut off can't be seen.",
        ) from error


def _write(file: Path, chain: Chain) -> None:
    from estate.core.errors import StoreError
    from infra.stack.status import write_private

    if chain.head is None:
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_private(file, json.dumps({"seq": chain.head.seq, "hash": chain.head.hash}))
    except OSError as error:
        raise StoreError(
            f"anchor {file}",
            expected="a file that can be written",
            got=str(error),
            todo="Name another --anchor.",
        ) from error

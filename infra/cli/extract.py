"""``leadloop extract``: new and changed rows of the CRM's own database."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.intake.extraction import Extracted
    from estate.store.database import Database


def extract_command(
    file: Annotated[
        Path | None, typer.Argument(help="YAML: what is read, and how; LEADLOOP_CRM_EXTRACTION if not given.")
    ] = None,
    only: Annotated[str | None, typer.Option(help="One kind of facts, such as leads.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Read all rows again, however old: nothing is stored twice.")
    ] = False,
    status: Annotated[bool, typer.Option(help="Show how far each table was read, and read nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Read what the CRM has written since the last time; killed, it goes on where it was."""
    from estate.core.errors import SettingsError
    from estate.core.settings import load_settings
    from estate.store.database import Database

    settings = load_settings()
    database = Database(settings.endpoint("database_url"))
    if status:
        _status(database, as_json)
        return
    file = file or settings.crm_extraction
    if file is None:
        raise SettingsError(
            "extraction file",
            expected="a file, or LEADLOOP_CRM_EXTRACTION",
            got="neither",
            todo="Write one: docs/data.md shows how.",
        )
    found = _extract(database, file, settings.home, only, everything)
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in found], default=str, indent=2) + "\n")
    else:
        sys.stdout.write("".join(f"{_sentence(one)}\n" for one in found))


def _extract(
    database: Database, file: Path, home: Path, only: str | None, everything: bool
) -> list[Extracted]:
    from rich.console import Console

    from estate.core.environment import expand
    from estate.intake.extraction import each_kind, extract_kind
    from estate.intake.extraction_plan import read_plan

    plan, found = read_plan(file), []
    tables, url = list(each_kind(plan, only)), expand(plan.url)
    with Console(stderr=True).status("connecting") as shown:
        for table in tables:
            found.append(
                extract_kind(
                    database,
                    plan,
                    table,
                    url=url,
                    home=home,
                    everything=everything,
                    progress=lambda done: shown.update(
                        f"{done.kind}: {done.rows_read:,} rows, until {done.watermark:%Y-%m-%d %H:%M}"
                    ),
                )
            )
    return found


def _sentence(one: Extracted) -> str:
    parts = f"{one.rows_new:,} new, {one.rows_corrected:,} corrected, {one.rows_refused:,} refused"
    until = f", until {one.watermark:%Y-%m-%d %H:%M:%S} UTC" if one.watermark else ""
    told = f"\nRefused rows and reasons: {one.quarantine}" if one.rows_refused and one.quarantine else ""
    return f"{one.kind}: {one.rows_read:,} rows read, {parts}{until}.{told}"


def _status(database: Database, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from estate.store.extractions import list_extractions

    rows = list_extractions(database)
    if as_json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], default=str, indent=2) + "\n")
        return
    if not rows:
        sys.stdout.write("nothing was extracted yet\n")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("source", "kind", "until (UTC)", "first whole pass", "last run"):
        table.add_column(name, no_wrap=True)
    table.add_column("rows read", justify="right", no_wrap=True)
    for row in rows:
        until = f"{row.watermark:%Y-%m-%d %H:%M:%S}" if row.watermark else "-"
        whole = f"{row.whole_at:%Y-%m-%d %H:%M}" if row.whole_at else "not yet"
        last = f"{row.read_at:%Y-%m-%d %H:%M}"
        table.add_row(row.source, row.kind, until, whole, last, f"{row.rows_read:,}")
    Console(highlight=False, width=None if sys.stdout.isatty() else 160).print(table)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("extract")(extract_command)

"""``leadloop matches``: the homes that suit one lead, or every open lead into a file."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estate.services.property_matching.schema import Matches, Request


def matches_command(  # noqa: PLR0913, PLR0917 - one parameter an option
    lead: Annotated[str | None, typer.Argument(help="A lead's id; with --out every open lead.")] = None,
    k: Annotated[int, typer.Option(min=1, max=100, help="At most so many homes a lead.")] = 10,
    max_price: Annotated[float | None, typer.Option(min=1, help="In USD.")] = None,
    bedrooms: Annotated[float | None, typer.Option(min=0, help="At least so many.")] = None,
    area: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV or Parquet: every open lead's homes.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the homes for sale that suit a lead, with chances and reasons."""
    from estate.services.property_matching.schema import Request

    if (lead is None) == (out is None):
        raise typer.BadParameter("a lead, or --out FILE for every open lead")
    wanted = Request(k=k, max_price_usd=max_price, areas=tuple(area or ()), min_bedrooms=bedrooms)
    if out is not None:
        leads, rows = _write(wanted, out)
        said = {"leads": leads, "rows": rows, "out": str(out)}
        print(json.dumps(said) if as_json else f"{out}: {rows} homes for {leads} leads")
        return
    assert lead is not None
    found = next(_matches([lead], wanted), None)
    if found is None:
        from estate.core.errors import DataError

        raise DataError("lead", expected="one that was imported", got=repr(lead))
    if as_json:
        shown = {**asdict(replace(found, asked=())), "source": found.source}
        del shown["asked"]
        sys.stdout.write(json.dumps(shown, indent=2) + "\n")
    else:
        _print(found)


def _matches(lead_ids: list[str], wanted: Request) -> Iterator[Matches]:
    from estate.core.clock import now
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from serving.batch.matches import match_leads

    settings = load_settings()
    database = Database(settings.endpoint("database_url"))
    yield from match_leads(settings, database, wanted, lead_ids, as_of=now())


def _write(wanted: Request, out: Path) -> tuple[int, int]:
    from estate.core.clock import now
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from serving.batch.matches_file import write_matches

    settings = load_settings()
    database = Database(settings.endpoint("database_url"))
    return write_matches(settings, database, wanted, out, as_of=now())


def _print(found: Matches) -> None:
    from rich.console import Console

    from infra.cli.registry_view import table_of

    table = table_of("home", "area", "price", "bedrooms", "score", "save", "tour", "why")
    table.columns[0].no_wrap = True
    for home in found.homes:
        table.add_row(
            home.property_id,
            home.area or "?",
            "?" if home.price_usd is None else f"{home.price_usd:,.0f}",
            "?" if home.bedrooms is None else f"{home.bedrooms:g}",
            f"{home.score:.2f}",
            f"{home.p_save:.2f}",
            f"{home.p_tour:.2f}",
            "; ".join(home.reasons),
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    said = f"{found.fitting} of {found.for_sale} homes for sale fit, by {found.basis}"
    widened = f"; widened: {', '.join(found.relaxed)}" if found.relaxed else ""
    print(f"{said}, answered by {found.source}{widened}")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("matches")(matches_command)

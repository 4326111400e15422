"""``leadloop bands``: what each band of scores promised, and what came true of its leads."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from monitoring.quality.bands import BandMonth


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bands")(bands)


def bands(
    model: Annotated[str, typer.Argument(help="Name of the model.")] = "lead_conversion",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Compare what each band promised with what came true, month by month; exits 1 where one is off."""
    from estate.core.clock import now
    from estate.core.errors import RegistryError
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from monitoring.quality.bands import check_bands
    from serving.production import answering_of, production_model

    settings = load_settings()
    database = Database(settings.endpoint("database_url"))
    served = production_model(settings, database, model)
    answering = answering_of(served)
    measured = answering.bundle.bands if answering.bundle is not None else None
    if measured is None or not measured.measured:
        raise RegistryError(
            f"bands of model `{model}`",
            expected="a version in production whose bands were measured",
            got=f"version {answering.version}",
            todo=f"Train and promote one: `leadloop retrain {model}`.",
        )
    found = check_bands(served.spec, database, answering.version, measured, now=now())
    if as_json:
        shown = [{**dataclasses.asdict(one), "verdict": one.verdict} for one in found]
        sys.stdout.write(json.dumps(shown, indent=2) + "\n")
    else:
        level = f"{served.spec.interval:.0%} intervals"
        print(f"{model} version {answering.version}: positives of 100 leads, with {level}")
        _print(found)
    if any(one.verdict == "off" for one in found):
        raise typer.Exit(1)


def _print(found: list[BandMonth]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("month", "band"):
        table.add_column(name)
    for name in ("promised", "came true", "leads", "waiting"):
        table.add_column(name, justify="right")
    table.add_column("verdict")
    for one in found:
        made, kept = one.promised, one.came_true
        table.add_row(
            one.month,
            one.band,
            f"{100 * made.share:.1f} ({100 * made.low:.1f} to {100 * made.high:.1f})",
            f"{100 * kept.share:.1f} ({100 * kept.low:.1f} to {100 * kept.high:.1f})" if kept.rows else "-",
            f"{kept.rows:,}",
            f"{one.waiting:,}",
            one.verdict,
        )
    Console(highlight=False).print(table)

"""``leadloop labels``: how ripe the labels of a model are."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.typed_moment import parse_moment

if TYPE_CHECKING:
    from estate.training.labels import Maturity


def labels_command(
    model: Annotated[str, typer.Argument(help="A model of event histories, such as lead_conversion.")],
    days: Annotated[int, typer.Option(min=1, help="Days in a row of the table.")] = 7,
    at: Annotated[str | None, typer.Option(help="As of this moment; the present if not given.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Show how many leads have a label yet, by when they came: ripe, censored, too young."""
    from estate.catalog import load_catalog
    from estate.core.clock import now
    from estate.core.errors import SpecError
    from estate.core.model_spec import CrmSource
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from estate.training.labels import labels_of_leads, maturity

    settings = load_settings()
    spec = load_catalog(settings).get(model)
    if not isinstance(spec.source, CrmSource):
        raise SpecError(
            f"model `{model}`", expected="a model of event histories", got="one of a table with its labels"
        )
    as_of: datetime = parse_moment(at) if at else now()
    database = Database(settings.endpoint("database_url"))
    _, labels = labels_of_leads(spec.source, database, as_of=as_of)
    found = maturity(labels, days=days)
    if as_json:
        sys.stdout.write(json.dumps([one.as_dict() for one in found], default=str, indent=2) + "\n")
        return
    source = spec.source
    print(
        f"{model}: `{source.outcome}` within {source.horizon_days:g} days, looked at {source.age_days:g} days"
        f" after a lead came; as of {as_of:%Y-%m-%d %H:%M} UTC"
    )
    _print(found)


def _print(found: list[Maturity]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("came from")
    for name in ("leads", "too young", "decided before", "censored", "ripe", "positive", "share"):
        table.add_column(name, justify="right")
    for one in found:
        share = f"{one.positive / one.ripe:.1%}" if one.ripe else "-"
        counts = (one.leads, one.too_young, one.decided_before, one.censored, one.ripe, one.positive)
        table.add_row(f"{one.first_day:%Y-%m-%d}", *(f"{count:,}" for count in counts), share)
    Console(highlight=False).print(table)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("labels")(labels_command)

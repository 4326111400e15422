"""``leadloop quality MODEL``: how good the version in production is, week by week."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estate.store.quality_points import QualityPoint
    from monitoring.quality import QualitySeen

_COSTS = {
    "yes": "quality is known to have fallen",
    "no": "quality has not fallen",
    "unknown": "whether quality has fallen is not known",
}


def quality_command(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    weeks: Annotated[int, typer.Option(min=1, max=104, help="So many weeks back.")] = 12,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw it too, into a .png or .html file.")] = None,
) -> None:
    """Show the quality of the version in production over time, from outcomes and from its scores.

    Exits 1 where quality is known to have fallen, 0 otherwise.
    """
    from estate.catalog import load_catalog
    from estate.core.clock import now
    from estate.core.errors import RegistryError
    from estate.core.model_spec import PairSource
    from estate.core.settings import load_settings
    from estate.store import evidence, ledger
    from estate.store.database import Database
    from estate.store.quality_points import save_points
    from monitoring.quality import judge_quality
    from monitoring.quality.measures import judged_metric
    from monitoring.quality.plot import draw_quality

    settings = load_settings()
    spec = load_catalog(settings).get(model)
    database = Database(settings.endpoint("database_url"))
    with database.begin() as connection:
        entry = ledger.current(connection, model)
        proof = evidence.load(connection, model, entry.to_version) if entry else None
    if entry is None:
        raise RegistryError(
            f"model `{model}`",
            expected="a version in production",
            got="none",
            todo=f"Promote one: `leadloop promote {model} VERSION --reason TEXT`.",
        )
    seen = judge_quality(spec, database, entry.to_version, evidence=proof, now=now(), weeks=weeks)
    with database.begin() as connection:
        save_points(connection, seen.points)
    weekly = [point for point in seen.points if _is_week(point)]
    metric = judged_metric(spec).name
    if plot is not None:
        # Homes that were shown were chosen by their scores, which the holdout's rows were not.
        beside = None if isinstance(spec.source, PairSource) else proof
        draw_quality(weekly, metric, plot, evidence=beside)
    if as_json:
        sys.stdout.write(json.dumps(asdict(seen), default=str) + "\n")
    else:
        show(seen, weekly, metric)
        if plot is not None:
            sys.stdout.write(f"plot: {plot}\n")
    if seen.costs == "yes":
        raise typer.Exit(1)


def _is_week(point: QualityPoint) -> bool:
    from monitoring.quality.points import WEEK

    return point.window_to - point.window_from == WEEK and point.window_to.weekday() == 0


def show(seen: QualitySeen, weekly: Sequence[QualityPoint], metric: str) -> None:
    """Print what was seen for a person."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    console.print(f"{seen.model} version {seen.version}: {_COSTS[seen.costs]}", highlight=False)
    others = [name for name in ("roc_auc", "skill") if name != metric]
    columns = (f"{metric} realised", f"{metric} estimated", *(f"{name} realised" for name in others))
    table = Table("week from", "ripe", *columns, "rows", caption="(90 % interval)")
    for start in sorted({point.window_from for point in weekly}):
        of = {(str(p.kind), p.metric): p for p in weekly if p.window_from == start and p.slice is None}
        wanted = [("realised", metric), ("estimated", metric), *(("realised", name) for name in others)]
        cells = [_cell(of.get(key)) for key in wanted]
        rows = max(point.rows for point in of.values())
        table.add_row(f"{start:%Y-%m-%d}", f"{next(iter(of.values())).mature_share:.0%}", *cells, f"{rows:,}")
    console.print(table if weekly else "no week has enough answers to measure", highlight=False)
    if seen.findings:
        found = Table("code", "column", "what was found")
        for finding in seen.findings:
            found.add_row(finding.code, escape(finding.column or ""), escape(finding.sentence))
        console.print(found)


def _cell(point: QualityPoint | None) -> str:
    if point is None:
        return "-"
    return f"{point.value:.4f} ({point.low:.4f} to {point.high:.4f})"


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("quality")(quality_command)

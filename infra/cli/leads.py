"""``leadloop leads``: whom to call first, from the scores of all open leads."""

from __future__ import annotations

import csv
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.core.settings import Settings
    from estate.services.lead_scoring.schema import LeadScore
    from estate.store.database import Database


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("leads")(leads)


def leads(
    lead: Annotated[
        list[str] | None, typer.Argument(help="Leads; without any, all open ones of the last 67 days.")
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="At most so many, the best first.")] = 20,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write all of them into this CSV file instead.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="As it was known then; now if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with reasons and dimensions.")] = False,
) -> None:
    """Score leads in six dimensions: overall score, band, chance to convert, reasons, confidence."""
    from estate.core.clock import now
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from infra.cli.typed_moment import parse_moment

    settings = load_settings()
    database = Database(settings.endpoint("database_url"))
    moment = parse_moment(as_of) if as_of else now()
    found = _scores(settings, database, lead or None, moment)
    found.sort(key=lambda score: (-score.probability, score.lead))
    if out is not None:
        _write(out, found)
        print(f"{len(found):,} leads into {out}")
        return
    if as_json:
        import msgspec

        shown = [msgspec.to_builtins(score) for score in found[:top]]
        sys.stdout.write(json.dumps(shown, indent=2) + "\n")
        return
    _print(found[:top], len(found))


def _scores(
    settings: Settings, database: Database, wanted: list[str] | None, moment: datetime
) -> list[LeadScore]:
    from estate.core.errors import DataError
    from estate.services.lead_scoring import service
    from estate.store.open_leads import open_lead_ids
    from serving.leads.in_bulk import ManyLeads

    if wanted is None:
        oldest = moment - timedelta(days=service.DAYS)  # of an older one the model has nothing more to say
        with database.begin() as connection:
            asked = open_lead_ids(connection, as_of=moment, came=(oldest, moment))
    else:
        asked = list(dict.fromkeys(wanted))
    many = ManyLeads(settings, database, service.MODELS)
    explain = (service.MAIN,) if wanted is not None else ()
    told = many.ask(asked, as_of=moment, explain=explain, ranked=(service.MAIN,))
    found = [service.assess(name, said) for name, said in told]
    absent = sorted(set(asked) - {score.lead for score in found})
    if absent and wanted is not None:
        raise DataError(
            "leads",
            expected="leads that were imported",
            got=", ".join(absent[:5]),
            todo="Correct the ids, or import the leads.",
        )
    return found


_SHORT = {
    "intent": "tours",
    "timing": "soon",
    "budget_qualification": "can pay",
    "churn_risk": "leaves",
    "engagement_readiness": "replies",
}
_COLUMNS = ("lead", "score", "band", "probability", "low", "high", "confidence", "source", "version")


def _write(path: Path, found: list[LeadScore]) -> None:
    """Write a whole file or none."""
    from estate.core.errors import DataError

    try:
        _write_rows(path.with_name(path.name + ".partial"), found)
        path.with_name(path.name + ".partial").replace(path)
    except OSError as error:
        raise DataError(
            f"file {path}", expected="a place that can be written to", got=error.strerror or str(error)
        ) from error


def _write_rows(path: Path, found: list[LeadScore]) -> None:
    dimensions = [one.name for one in found[0].dimensions] if found else []
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*_COLUMNS, *dimensions])
        for score in found:
            low, high = score.interval or (None, None)
            of_lead = [score.lead, score.score, score.band, score.probability, low, high]
            of_lead += [score.confidence, score.source, score.version]
            rows.writerow([*of_lead, *(one.score for one in score.dimensions)])


def _print(found: list[LeadScore], of: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("lead", no_wrap=True, min_width=max((len(score.lead) for score in found), default=4))
    table.add_column("band", no_wrap=True)
    for name in ("score", "wins", "sure", *_SHORT.values()):
        table.add_column(name, justify="right", no_wrap=True)
    for score in found:
        rest = [_percent(one.score) for one in score.dimensions if one.name in _SHORT]
        table.add_row(
            score.lead,
            score.band or "-",
            f"{score.score:.0f}",
            _percent(score.probability),
            f"{score.confidence:.2f}",
            *rest,
        )
    console = Console(highlight=False)
    console.print(table)
    for score in found if len(found) == 1 else ():
        for sign, reasons in (("+", score.reasons_for), ("-", score.reasons_against), ("?", score.thin)):
            for reason in reasons:
                console.print(f"  {sign} {reason}")
    by = " and ".join(sorted({f"{s.source} {s.version}" if s.source != "rules" else "rules" for s in found}))
    console.print(f"{len(found):,} of {of:,} leads{f', scored by {by}' if by else ''}")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"

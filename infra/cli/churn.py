"""``leadloop churn`` and ``leadloop interventions``: who may leave, and what may keep them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.lists_by_default import ListsByDefault

if TYPE_CHECKING:
    from estate.services.churn.effects import Uplift
    from estate.services.churn.schema import ChurnAnswer
    from estate.store.interventions import Intervention

_WIDE = 160
"""Characters in a line where no terminal says how many there are."""


class Made(StrEnum):
    """What was made of a proposal."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    DONE = "done"


def churn_command(
    lead: Annotated[str, typer.Argument(help="Id of the lead.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how likely a lead leaves, when, by which signs, and what may keep it."""
    from estate.core.clock import now
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from serving.batch.retain import answer_of_lead

    settings = load_settings()
    database = Database(settings.endpoint("database_url"))
    answer = answer_of_lead(settings, database, lead, as_of=now())
    if as_json:
        sys.stdout.write(json.dumps(asdict(answer), default=str, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(answer)) + "\n")


def _lines(answer: ChurnAnswer) -> list[str]:
    judged = answer.source if answer.source == "rules" else f"model, version {answer.version}"
    lines = [
        f"{answer.lead_id}: {answer.level} risk, {answer.risk_now:.0%} to leave from now on ({judged})",
        f"  {answer.meaning.sentence}",
    ]
    if answer.timing is not None:
        lines.append(
            f"  half of those that leave are gone in {answer.timing.median_days:.0f} days "
            f"({answer.timing.basis}); the horizon ends in {answer.timing.days_left:.0f}"
        )
    lines += [f"  sign: {sign.evidence}" for sign in answer.indicators]
    lines += [
        f"  proposal: {one.title} ({one.channel}), costs ${one.cost_usd:.2f}, "
        f"worth ${one.benefit_usd:.2f} beyond that; effect {one.effect:.0%} ({one.effect_basis})"
        for one in answer.proposals
    ]
    if answer.not_known:
        lines.append(f"  not known: {', '.join(answer.not_known)}")
    return lines + [f"  note: {note}" for note in answer.notes]


def interventions() -> None:
    """What was proposed to keep leads, and what it has done: `interventions note LEAD done`."""


def list_all(
    everything: Annotated[bool, typer.Option("--all", help="Those held back by chance, too.")] = False,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Instead, leads for which the desk's day has no room.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest first.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List proposals, what is taken of the desk's day, and how many leads each kind has kept."""
    from estate.core.clock import now
    from estate.core.settings import load_settings
    from estate.services.churn.effects import tried, uplifts
    from estate.services.churn.today import day_of_desk
    from estate.store.database import Database
    from estate.store.interventions import WAITING, list_interventions, matured

    settings = load_settings()
    database = Database(settings.endpoint("database_url"))
    arm = WAITING if waiting else None if everything else "proposed"
    with database.begin() as connection:
        rows = list_interventions(connection, arm=arm, limit=limit)
        over = matured(connection, as_of=now())
    today = day_of_desk(settings, database, as_of=now())
    found = uplifts([tried(one) for one in over])
    if as_json:
        told = [{"intervention_id": row.intervention_id, **asdict(row)} for row in rows]
        document = {
            "interventions": told,
            "today": asdict(today),
            "uplift": [asdict(one) for one in found],
        }
        sys.stdout.write(json.dumps(document, default=str, indent=2) + "\n")
        return
    _print(rows, found, everything, none="no lead waits" if waiting else "nothing was proposed yet")
    sys.stdout.write(f"today {today.sentence}\n")


def note(
    lead: Annotated[str, typer.Argument(help="Id of the lead.")],
    made: Annotated[Made, typer.Argument(help="What was made of its latest proposal.")],
) -> None:
    """Note what was made of a lead's latest proposal; the same again changes nothing."""
    from estate.core.clock import now
    from estate.core.errors import DataError
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from estate.store.interventions import add_event, find_intervention
    from model_registry.identity import who_am_i

    settings = load_settings()
    with Database(settings.endpoint("database_url")).begin() as connection:
        found = find_intervention(connection, lead, arm="proposed")
        if found is None:
            raise DataError(f"lead `{lead}`", expected="a proposal", got="none")
        new = add_event(connection, found.intervention_id, made.value, who=who_am_i(settings), at=now())
    sys.stdout.write(f"{found.kind} of {lead}: {made.value}{'' if new else ' (was noted before)'}\n")


def _print(rows: list[Intervention], found: list[Uplift], everything: bool, *, none: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    if not rows:
        console.print(none)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("lead", "at (UTC)", "level", "risk", "kind", *(("arm",) if everything else ()), "worth $"):
        table.add_column(name, no_wrap=True)
    table.add_column("made of it", no_wrap=True)
    table.add_column("why")
    for row in rows:
        cells = [row.lead_id, f"{row.at:%Y-%m-%d %H:%M}", row.level, f"{row.risk:.0%}", row.kind]
        cells += [row.arm] if everything else []
        cells += [f"{row.benefit_usd:.2f}", ", ".join(row.events) or "-", "; ".join(row.evidence[:2])]
        table.add_row(*cells)
    console.print(table)
    uplift = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title="what it has done")
    for name in ("kind", "proposed", "held back", "uplift"):
        uplift.add_column(name)
    for one in found:
        uplift.add_row(one.kind, str(one.proposed), str(one.held_back), one.sentence)
    console.print(uplift)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("churn")(churn_command)
    group = typer.Typer(cls=ListsByDefault, rich_markup_mode=None)
    group.callback()(interventions)
    group.command("list")(list_all)
    group.command("note")(note)
    app.add_typer(group, name="interventions")

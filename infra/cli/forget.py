"""``leadloop forget``, ``erasures``, ``readmit``: a person is erased, with a receipt; and may come back."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from estate.core.settings import Settings
    from estate.store.database import Database
    from infra.erasure import Receipt

Lead = Annotated[str, typer.Argument(help="Id of the lead in the CRM.")]
Why = Annotated[str, typer.Option("--why", help="Kept with the receipt: do not name the person.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("forget")(forget_command)
    app.command("erasures")(erasures_command)
    app.command("readmit")(readmit_command)


def forget_command(lead: Lead, why: Why, yes: Yes = False, as_json: AsJson = False) -> None:
    """Erase a lead for good: facts, answers, training rows, files. Nothing of it is stored from then on."""
    from infra.erasure import forget
    from model_registry import connect
    from model_registry.identity import who_am_i

    _required(why)
    settings, database = _where()
    if not yes and not typer.confirm(f"Erase lead {lead!r} for good?", err=True):
        raise typer.Exit(1)
    receipt = forget(
        settings,
        database,
        connect(settings),
        lead,
        who=who_am_i(settings),
        why=why.strip(),
        say=lambda line: print(f"… {line}", file=sys.stderr),
    )
    print(receipt.to_json() if as_json else _sentence(settings, receipt))


def erasures_command(as_json: AsJson = False) -> None:
    """List erasures and whether their receipts are genuine; who was erased is not kept."""
    from estate.store.erasures import list_erasures
    from infra.cli.registry_view import show_time
    from infra.erasure import is_genuine

    settings, database = _where()
    with database.begin() as connection:
        found = list_erasures(connection)
    shown: list[dict[str, Any]] = [
        {
            "erasure_id": one.erasure_id,
            "asked_at": show_time(one.asked_at),
            "who": one.who,
            "why": one.why,
            "state": "unfinished"
            if one.finished_at is None
            else "readmitted"
            if one.readmitted_at
            else "erased",
            "genuine": is_genuine(settings, one),
            "receipt": json.loads(one.receipt) if one.receipt else None,
        }
        for one in found
    ]
    if as_json:
        print(json.dumps(shown))
    elif not shown:
        print("Nobody was erased yet.")
    else:
        for one in shown:
            genuine = (
                ""
                if one["receipt"] is None
                else ", receipt genuine"
                if one["genuine"]
                else ", RECEIPT CHANGED"
            )
            print(
                f"{one['asked_at']}  {one['erasure_id']}  {one['state']}{genuine}  {one['who']}: {one['why']}"
            )


def readmit_command(lead: Lead, why: Why) -> None:
    """Let a lead that was erased be stored again; what was erased does not come back."""
    from estate.store.erasures import readmit
    from model_registry.identity import who_am_i

    _required(why)
    settings, database = _where()
    with database.begin() as connection:
        ended = readmit(connection, lead, who=who_am_i(settings), why=why.strip())
    print("It may be stored again." if ended else "It was not erased: nothing has changed.")


def _sentence(settings: Settings, receipt: Receipt) -> str:
    rows = ", ".join(f"{count:,} {name}" for name, count in receipt.rows.items() if count) or "none"
    taken = sum(run.rows for run in receipt.runs)
    found = any([*receipt.rows.values(), taken, receipt.descriptions, receipt.quarantined, receipt.files])
    unknown = "Nothing of this lead was found: is the id right? `leadloop readmit` takes this back."
    lines = [] if found else [unknown]
    lines += [
        f"Erased. Rows deleted: {rows}.",
        f"Training rows: {taken:,} taken out of {len(receipt.runs)} of {receipt.runs_looked_at} runs; "
        f"{receipt.descriptions} descriptions, {receipt.quarantined} refused rows, {receipt.files} files.",
        f"Serving has forgotten it by {receipt.caches_empty_at} at the latest. The ledger is whole.",
        "Not reached:",
        *(f"- {place}" for place in receipt.not_reached),
        f"Signed receipt: {settings.home / 'erasures' / receipt.erasure_id}.json",
    ]
    return "\n".join(lines)


def _required(why: str) -> None:
    if not why.strip():
        raise typer.BadParameter("say why", param_hint="--why")


def _where() -> tuple[Settings, Database]:
    from estate.core.settings import load_settings
    from estate.store.database import Database

    settings = load_settings()
    return settings, Database(settings.endpoint("database_url"))

"""``leadloop events``: what the CRM has sent and what became of it; and trying what was refused again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.lists_by_default import ListsByDefault

if TYPE_CHECKING:
    from estate.store.database import Database
    from estate.store.received_events import ReceivedEvent

State = Annotated[
    str | None, typer.Option(help="Only those that are: applied, outdated, ignored or refused.")
]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_STATES = ("applied", "outdated", "ignored", "refused")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(cls=ListsByDefault, rich_markup_mode=None)
    group.callback()(events)
    group.command("list")(list_all)
    group.command("replay")(replay)
    app.add_typer(group, name="events")


def events() -> None:
    """What the CRM has sent: `events [--state refused]`, `events replay`."""


def list_all(state: State = None, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List events, the latest first, and count all of them by what became of them."""
    from estate.store import received_events as store
    from infra.cli.registry_view import print_json

    if state is not None and state not in _STATES:
        raise typer.BadParameter(f"expected one of {', '.join(_STATES)}, got {state!r}", param_hint="--state")
    with _database().begin() as connection:
        found = store.list_events(connection, state=state, limit=limit)  # type: ignore[arg-type]
        counts = store.count_events(connection)
    if as_json:
        shown = [
            {name: value for name, value in vars(one).items() if name not in ("body", "body_digest")}
            for one in found
        ]
        print_json({"counts": counts, "events": shown})
    elif not counts:
        print("The CRM has sent nothing yet.")
    else:
        print(", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())))
        _show(found)


def replay() -> None:
    """Try every refused event again: after the mapping file was corrected, or the code."""
    from estate.core.settings import load_settings
    from estate.datasets.mapping import Mapping, read_mapping
    from estate.intake.events import replay_refused

    path = load_settings().crm_mapping
    names = read_mapping(path) if path is not None else Mapping()
    names.check("leads")
    again = replay_refused(_database(), names)
    still = [one for one in again if one.state == "refused"]
    print(f"{len(again) - len(still):,} of {len(again):,} refused events are settled now.")
    _show(still[:20])


def _show(found: list[ReceivedEvent]) -> None:
    from rich.console import Console
    from rich.table import Table

    from infra.cli.registry_view import show_time

    if not found:
        return
    table = Table("received", "type", "object", "state", "why", box=None, padding=(0, 2, 0, 0))
    for one in found:
        table.add_row(
            show_time(one.received_at), one.type, one.object or "", one.state, (one.reason or "")[:200]
        )
    Console(highlight=False, markup=False).print(table)


def _database() -> Database:
    from estate.core.settings import load_settings
    from estate.store.database import Database

    return Database(load_settings().endpoint("database_url"))

"""``leadloop incidents``: what is wrong now, since when, whose it is; and closing one by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli.lists_by_default import ListsByDefault

if TYPE_CHECKING:
    from estate.store.database import Database
    from estate.store.incidents import Incident

Model = Annotated[str | None, typer.Argument(help="Name of the model; all if not given.")]
OnlyOpen = Annotated[bool, typer.Option("--open", help="Only those that are not resolved.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Id = Annotated[str, typer.Argument(help="Of the incident, or its beginning.")]
Why = Annotated[str, typer.Option("--why", help="For those who read it later.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(cls=ListsByDefault, rich_markup_mode=None)
    group.callback()(incidents)
    group.command("list")(list_all)
    group.command("resolve")(resolve)
    app.add_typer(group, name="incidents")


def incidents() -> None:
    """What the watch found wrong: `incidents [MODEL] [--open]`, `incidents resolve ID --why TEXT`."""


def list_all(model: Model = None, only_open: OnlyOpen = False, as_json: AsJson = False) -> None:
    """List incidents, those opened last first."""
    from estate.store.incidents import list_incidents
    from infra.cli.registry_view import print_json

    with _database().begin() as connection:
        found = list_incidents(connection, model, only_open=only_open, limit=1000)
    if as_json:
        print_json(found)
    elif found:
        _show(found)
    else:
        print("Nothing is wrong." if only_open else "Nothing was ever wrong.")


def resolve(incident_id: Id, why: Why) -> None:
    """Close an incident; it opens anew if a later pass finds it again."""
    from estate.core.settings import load_settings
    from estate.store import incidents as store
    from model_registry.identity import who_am_i

    if not why.strip():
        raise typer.BadParameter("say why", param_hint="--why")
    with _database().begin() as connection:
        closed = store.resolve(connection, incident_id, who_am_i(load_settings()), why.strip())
    column = f" {closed.column}" if closed.column else ""
    print(f"{closed.model} {closed.code}{column} is closed.")


def _show(found: list[Incident]) -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from infra.cli.registry_view import show_time

    console = Console(highlight=False)
    for one in found:
        state = "open" if one.open else one.resolved_how or "closed"
        blocks = ", blocks training" if one.open and one.breaks_training else ""
        where = " ".join(part for part in (one.model, one.code, one.column) if part)
        console.print(Text(f"{one.incident_id[:8]}  {where}  {one.severity}, {state}{blocks}", style="bold"))
        seen = f"seen {one.times}x, {show_time(one.first_seen)} to {show_time(one.last_seen)} UTC"
        console.print(Padding(Text(f"{one.sentence}\n{seen}; owner {one.owner}"), (0, 0, 0, 10)))


def _database() -> Database:
    from estate.core.settings import load_settings
    from estate.store.database import Database

    return Database(load_settings().endpoint("database_url"))

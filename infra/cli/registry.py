"""What exists, what was in production when and why, and how to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.store.database import Database
    from estate.store.ledger import Entry

Model = Annotated[str, typer.Argument(help="Name of the model.")]
Version = Annotated[str, typer.Argument(help="Number of the version in the registry.")]
Reason = Annotated[str, typer.Option(help="Why, for those who read the history later.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("models")(models)
    app.command("history")(history)
    app.command("explain")(explain)
    app.command("promote")(promote)
    app.command("rollback")(rollback)


def models(as_json: AsJson = False) -> None:
    """List the registered models and what is in production."""
    from estate.core.settings import load_settings
    from infra.cli.registry_view import print_json, show_models
    from model_registry import connect, list_models

    found = list_models(connect(load_settings()), _database())
    (print_json if as_json else show_models)(found)


def history(model: Model, as_json: AsJson = False) -> None:
    """List every decision about a model: who, when, from, to, why."""
    from estate.core.errors import RegistryError
    from estate.store import ledger
    from infra.cli.registry_view import print_json, show_history

    with _database().begin() as connection:
        entries = ledger.history(connection, model)
        ledger.verify(connection)
    if not entries and not as_json:
        raise RegistryError(
            f"history of `{model}`", expected="decisions", got="none yet", todo="See `leadloop models`."
        )
    (print_json if as_json else show_history)(entries)


def explain(model: Model, version: Version, as_json: AsJson = False) -> None:
    """Show the evidence of a version and the decisions on it."""
    from estate.core.errors import RegistryError
    from estate.store import evidence, ledger
    from infra.cli.registry_view import print_json, show_explanation

    with _database().begin() as connection:
        found = evidence.load(connection, model, version)
        decisions = [entry for entry in ledger.history(connection, model) if entry.to_version == version]
    if found is None and not decisions:
        raise RegistryError(
            f"evidence of `{model}` version {version}",
            expected="a version that went through the gate",
            got="neither evidence nor a decision",
            todo="See `leadloop models`; versions made outside of Leadloop have no evidence.",
        )
    if as_json:
        print_json({"evidence": found, "decisions": decisions})
    else:
        show_explanation(found, decisions)


def promote(model: Model, version: Version, reason: Reason) -> None:
    """Put a version into production, if its evidence allows: the same way as in the MLflow UI."""
    import model_registry
    from estate.core.settings import load_settings
    from estate.store import ledger

    database = _database()
    with database.begin() as connection:
        before = ledger.current(connection, model)
    registry = model_registry.connect(load_settings())
    entry = model_registry.promote(registry, database, model, version, who=_who(), why=reason)
    if entry == before:
        typer.echo(f"{model} version {version} is in production since {_when(entry)}; nothing was changed.")
    else:
        typer.echo(_moved(entry))


def rollback(model: Model, reason: Reason) -> None:
    """Put the version back that was in production before."""
    import model_registry
    from estate.core.settings import load_settings

    registry = model_registry.connect(load_settings())
    typer.echo(_moved(model_registry.rollback(registry, _database(), model, who=_who(), why=reason)))


def _database() -> Database:
    from estate.core.settings import load_settings
    from estate.store.database import Database

    return Database(load_settings().endpoint("database_url"))


def _moved(entry: Entry) -> str:
    before = f" (before: version {entry.from_version})" if entry.from_version else ""
    return f"{entry.model} version {entry.to_version} is in production{before}."


def _when(entry: Entry) -> str:
    return f"{entry.at:%Y-%m-%d %H:%M} UTC, by {entry.who}"


def _who() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        return "unknown (command line)"

"""What was decided about a model, what served a lead at a time, and what a version's gate has measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.store.database import Database

Model = Annotated[str, typer.Argument(help="Name of the model.")]
Version = Annotated[str, typer.Argument(help="Number of the version in the registry.")]
At = Annotated[
    str | None, typer.Option(help="What was in force then: ISO 8601, UTC if no zone; 14:05 is today.")
]
Lead = Annotated[str | None, typer.Option(help="A lead, or another case: its latest answer until then.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("history")(history)
    app.command("explain")(explain)


def history(model: Model, at: At = None, lead: Lead = None, as_json: AsJson = False) -> None:
    """List every decision about a model; or say what was in force at a time and what a lead was told."""
    if at is not None or lead is not None:
        _at_a_time(model, at, lead, as_json=as_json)
        return
    from estate.core.errors import RegistryError
    from estate.store import ledger
    from infra.cli.history_view import show_history
    from infra.cli.registry_view import print_json

    with _database().begin() as connection:
        entries = ledger.history(connection, model)
        ledger.verify(connection)
    if not entries and not as_json:
        raise RegistryError(
            f"history of `{model}`", expected="decisions", got="none yet", todo="See `leadloop models`."
        )
    (print_json if as_json else show_history)(entries)


def _at_a_time(model: str, at: str | None, lead: str | None, *, as_json: bool) -> None:
    from estate.core.clock import now
    from infra.cli.history_view import show_moment
    from infra.cli.moment_of import moment_of
    from infra.cli.registry_view import print_json
    from infra.cli.typed_moment import parse_moment

    moment = parse_moment(at) if at is not None else now()
    found = moment_of(_database(), model, moment, lead=lead)
    (print_json if as_json else show_moment)(found)


def explain(model: Model, version: Version, as_json: AsJson = False) -> None:
    """Show the evidence of a version, who signed it, and the decisions on it."""
    from estate.core.errors import RegistryError
    from estate.core.settings import load_settings
    from estate.signing import load_trusted
    from estate.store import evidence, ledger
    from infra.cli.explain_view import show_explanation, signature_words
    from infra.cli.registry_view import print_json

    with _database().begin() as connection:
        signed = evidence.load_signed(connection, model, version)
        decisions = [entry for entry in ledger.history(connection, model) if entry.to_version == version]
    if signed is None and not decisions:
        raise RegistryError(
            f"evidence of `{model}` version {version}",
            expected="a version that went through the gate",
            got="neither evidence nor a decision",
            todo="See `leadloop models`; versions made outside of Leadloop have no evidence.",
        )
    found = signed.evidence if signed else None
    said = signature_words(signed, load_trusted(load_settings())) if signed else None
    if as_json:
        digest = found.digest if found else None
        print_json({"evidence": found, "digest": digest, "signature": said, "decisions": decisions})
    else:
        show_explanation(found, said, decisions)


def _database() -> Database:
    from estate.core.settings import load_settings
    from estate.store.database import Database

    return Database(load_settings().endpoint("database_url"))

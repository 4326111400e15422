"""What exists, what was in production when and why, and how to change it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from estate.core.rollout import Rollout, RolloutKind

if TYPE_CHECKING:
    from estate.core.settings import Settings
    from estate.store.database import Database
    from estate.store.ledger import Entry
    from model_registry import Registry

Model = Annotated[str, typer.Argument(help="Name of the model.")]
Version = Annotated[str, typer.Argument(help="Number of the version in the registry.")]
Reason = Annotated[str, typer.Option(help="Why, for those who read the history later.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Kind = Annotated[
    RolloutKind | None,
    typer.Option("--rollout", help="In which steps; as the model's file says if not given."),
]
Share = Annotated[
    float | None, typer.Option(help="Canary, shadow: share of the cases, above 0 and at most 1.")
]
Rows = Annotated[int | None, typer.Option("--requests", help="Canary, shadow: rows to score until its end.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("models")(models)
    app.command("promote")(promote)
    app.command("rollback")(rollback)
    app.command("rollout")(rollout)


def models(as_json: AsJson = False) -> None:
    """List the registered models and what is in production."""
    from infra.cli.registry_view import print_json, show_models
    from model_registry import connect, list_models

    settings, database = _open()
    found = list_models(connect(settings), database)
    (print_json if as_json else show_models)(found)


def promote(  # noqa: PLR0913, PLR0917 - one parameter an option
    model: Model,
    version: Version,
    reason: Annotated[str | None, typer.Option(help="Why, for those who read the history later.")] = None,
    kind: Kind = None,
    share: Share = None,
    requests: Rows = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; change nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON (with --dry-run).")] = False,
) -> None:
    """Put a version into production, if its evidence allows: the same way as in the MLflow UI."""
    if reason is None and not dry_run:
        raise typer.BadParameter("say why, with --reason")
    settings, database = _open()
    if dry_run or reason is None:
        from infra.cli.preview import show_preview

        show_preview(settings, model, version, as_json=as_json)
        return
    import model_registry
    from model_registry.identity import who_am_i

    seen = model_registry.present_standing(database, model)  # first of all: what the person acts on
    who, registry = who_am_i(settings), model_registry.connect(settings)
    entry = model_registry.promote(
        registry,
        database,
        model,
        version,
        who=who,
        why=reason,
        rollout=_steps(registry, model, kind=kind, share=share, requests=requests),
        expected=seen,
    )
    typer.echo(f"{_moved(entry)} Nothing was changed." if entry.seq <= seen.seq else _moved(entry))


def rollback(model: Model, reason: Reason) -> None:
    """Take the last step back: end an open rollout, else the version that was in production before."""
    import model_registry
    from model_registry.identity import who_am_i

    settings, database = _open()
    seen = model_registry.present_standing(database, model)
    who, registry = who_am_i(settings), model_registry.connect(settings)
    entry = model_registry.rollback(registry, database, model, who=who, why=reason, expected=seen)
    typer.echo(_moved(entry))


def rollout(
    model: Model,
    abort: Annotated[bool, typer.Option("--abort", help="End it; what is in production stays.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, with --abort.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show how the open rollout of a model goes, or end it."""
    from infra.cli.registry_view import print_json
    from infra.cli.rollout_view import show_rollout
    from model_registry import abort_rollout, rollout_state
    from model_registry.identity import who_am_i

    settings, database = _open()
    if abort:
        if reason is None:
            raise typer.BadParameter("say why, with --reason")
        typer.echo(_moved(abort_rollout(database, model, who=who_am_i(settings), why=reason)))
        return
    state = rollout_state(database, model)
    if as_json:
        print_json(state)
    elif state is None:
        typer.echo(f"No rollout of {model} is open. `leadloop history {model}` shows those that were.")
    else:
        show_rollout(state)


def _open() -> tuple[Settings, Database]:
    from estate.core.settings import load_settings
    from estate.store.database import Database

    settings = load_settings()
    return settings, Database(settings.endpoint("database_url"))


def _steps(
    registry: Registry, model: str, *, kind: RolloutKind | None, share: float | None, requests: int | None
) -> Rollout | None:
    """Return what the options say on top of the model's own numbers; None if they say nothing."""
    given = {"kind": kind, "share": share, "requests": requests}
    said: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if not said:
        return None
    steps = replace(registry.terms(model).rollout, **said)
    if steps.kind not in (RolloutKind.CANARY, RolloutKind.SHADOW) and (share or requests):
        raise typer.BadParameter("--share and --requests are for --rollout canary or shadow")
    return steps


def _moved(entry: Entry) -> str:
    stays = (
        f"version {entry.from_version} stays in production" if entry.from_version else "none in production"
    )
    name = f"{entry.model} version {entry.to_version}"
    match entry.decision:
        case "started":
            from model_registry.page import how

            steps = how(Rollout.from_json(entry.rollout or "{}"))
            return f"{name} is on its way, {steps}; {stays}. See `leadloop rollout {entry.model}`."
        case "aborted":
            return f"The rollout of {name} was aborted; {stays}."
        case _:
            before = f" (before: version {entry.from_version})" if entry.from_version else ""
            return f"{name} is in production{before}, since {entry.at:%Y-%m-%d %H:%M:%S} UTC, by {entry.who}."

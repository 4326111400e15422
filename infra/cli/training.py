"""`leadloop retrain`: ask for a training, and see what becomes of it."""

from __future__ import annotations

from typing import Annotated

import typer

WAIT_SECONDS = 1800


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("retrain")(retrain)


def retrain(
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    cause: Annotated[str, typer.Option(help="Why, for those who read it later.")] = "asked for by a person",
    as_of: Annotated[str | None, typer.Option(help="See nothing later than this ISO 8601 time.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the end and say what became of it.")] = True,
) -> None:
    """Ask for one training of a model, through the table of requests; a worker runs it."""
    from estate.core.clock import parse_time
    from estate.core.errors import TrainingError
    from estate.core.settings import load_settings
    from infra.training import ask, follow
    from model_registry.identity import who_am_i

    settings = load_settings()
    moment = parse_time(as_of) if as_of else None
    request = ask(model, detail=cause, who=who_am_i(settings), as_of=moment, settings=settings)
    typer.echo(
        f"request {request.request_id}: {request.state}{f' ({request.reason})' if request.reason else ''}"
    )
    if wait and request.state not in {"merged", "refused"}:
        ended = follow(request.request_id, seconds=WAIT_SECONDS, say=typer.echo)
        if ended.state == "failed":
            raise TrainingError(f"training of `{model}`", got=ended.reason or "a failure")
        typer.echo(f"{ended.state}: {ended.reason}")

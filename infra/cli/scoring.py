"""``leadloop score MODEL``: a table of any size, or all open leads, by the version in production."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.core.settings import Settings
    from serving.batch import Query
    from serving.models import ServedModel


class OnBadRows(StrEnum):
    """What becomes of rows that can't be read."""

    STOP = "stop"
    QUARANTINE = "quarantine"


@dataclass(frozen=True)
class _Asked:
    """Where rows come from: one of these, or none."""

    file: Path | None
    table: str | None
    query: str | None
    own_query: bool
    url: str | None

    def __post_init__(self) -> None:
        given = [self.file is not None, self.table is not None, self.query is not None, self.own_query]
        if sum(given) > 1:
            raise typer.BadParameter("one of --in, --table, --query and --own-query")
        if self.url is not None and self.table is None and self.query is None:
            raise typer.BadParameter("--database-url belongs to --table or --query")

    @property
    def any(self) -> bool:
        return self.file is not None or self.table is not None or self.query is not None or self.own_query

    @property
    def name(self) -> str:
        return self.file.name if self.file is not None else self.table or "query"

    def source(self, served: ServedModel, settings: Settings) -> Path | Query:
        from serving.batch import query_for

        if self.file is not None:
            return self.file
        own = settings.endpoint("database_url")
        return query_for(served, own, table=self.table, statement=self.query, url=self.url)


def score_command(  # noqa: PLR0913, PLR0917 - one parameter an option
    model: Annotated[str, typer.Argument(help="Name of the model.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--in",
            help="Parquet, CSV or Arrow file, or a folder of Parquet files; all open leads if left out.",
        ),
    ] = None,
    target: Annotated[Path | None, typer.Option("--out", help="CSV or Parquet to write.")] = None,
    table: Annotated[str | None, typer.Option(help="Table of a database to score.")] = None,
    query: Annotated[str | None, typer.Option(help="SELECT whose rows to score.")] = None,
    own_query: Annotated[
        bool, typer.Option("--own-query", help="Score the rows of the query that the model learns from.")
    ] = False,
    url: Annotated[
        str | None,
        typer.Option("--database-url", help="Of table or query; else the model's, else the platform's."),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Threads; as many as cores if left out.")] = None,
    on_bad_rows: Annotated[
        OnBadRows, typer.Option(help="Stop at a row that can't be read, or put such rows into OUT.bad.csv.")
    ] = OnBadRows.STOP,
    as_of: Annotated[
        datetime | None, typer.Option(help="Open leads as of this time (UTC); now if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Score every row of a table, or every open lead into the predictions table."""
    asked = _Asked(source, table, query, own_query, url)
    if asked.any != (target is not None):
        raise typer.BadParameter(
            "--in and --out belong together; so do --table, --query, --own-query and --out"
        )
    if asked.any and as_of is not None:
        raise typer.BadParameter("--as-of is for open leads, not for a table")
    said = _score_rows(model, asked, target, workers, on_bad_rows) if target else _score_leads(model, as_of)
    if as_json:
        sys.stdout.write(json.dumps(said) + "\n")
    else:
        sys.stdout.write(", ".join(f"{name}: {value}" for name, value in said.items()) + "\n")


def _score_rows(
    model: str, asked: _Asked, target: Path, workers: int | None, on_bad_rows: OnBadRows
) -> dict[str, str | int]:
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from infra.cli.scoring_progress import scoring_progress
    from serving.batch import BatchOptions, bad_path, cores, score_rows
    from serving.production import production_model

    settings = load_settings()
    served = production_model(settings, Database(settings.endpoint("database_url")), model)
    with scoring_progress(asked.name) as (progress, say):
        options = BatchOptions(
            workers=workers or cores(), on_bad_rows=on_bad_rows.value, progress=progress, say=say
        )
        done = score_rows(served, asked.source(served, settings), target, options)
    bad: dict[str, str | int] = (
        {"bad_rows": done.bad_rows, "bad": str(bad_path(target))} if done.bad_rows else {}
    )
    return {
        "model": model,
        "rows": done.rows,
        "version": done.version,
        "source": done.answered_by.value,
        "out": str(target),
        **bad,
    }


def _score_leads(model: str, as_of: datetime | None) -> dict[str, str | int]:
    from estate.core.clock import now
    from estate.core.settings import load_settings
    from estate.store.database import Database
    from serving.batch import score_open_leads

    settings = load_settings()
    moment = now() if as_of is None else as_of.replace(tzinfo=UTC)
    leads = score_open_leads(settings, Database(settings.endpoint("database_url")), model, as_of=moment)
    return {"model": model, "leads": leads, "as_of": moment.isoformat()}


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("score")(score_command)

"""Tables and JSON of the registry's commands."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model_registry.listing import ModelSummary


def print_json(found: object) -> None:
    """Print one JSON document."""
    print(json.dumps(found, default=_plain, indent=1))


def show_models(found: Sequence[ModelSummary]) -> None:
    """Print one row a model."""
    if not found:
        print("No model is registered yet: `leadloop retrain MODEL` makes the first version.")
        return
    table = table_of("model", "versions", "in production", "since (UTC)", "by", "staging", "latest")
    for model in found:
        live = model.production
        table.add_row(
            model.model,
            str(model.versions),
            _production(model),
            show_time(live.at) if live else "",
            escape(live.who) if live else "",
            model.staging or "",
            model.latest or "",
        )
    Console().print(table)


def _production(model: ModelSummary) -> str:
    if model.production is None:
        shown = "none (rules answer)"
    else:
        shown = model.production.to_version + (" (deleted in MLflow)" if model.deleted else "")
    return f"{shown}; on its way: {model.rollout.to_version}" if model.rollout else shown


def table_of(*columns: str) -> Table:
    """Return an empty table with these headings."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap="(UTC)" in column)
    return table


def show_time(moment: datetime) -> str:
    """Return a moment to the second, without its zone."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)

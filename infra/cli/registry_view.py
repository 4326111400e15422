"""Tables and JSON of the registry's commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from estate.core.evidence import Evidence, Measure
from estate.store.ledger import Entry
from model_registry.listing import ModelSummary

_DECISIONS = {"promoted": "promoted", "rolled_back": "rolled back", "refused": "refused"}


def print_json(found: object) -> None:
    """Print one JSON document."""
    print(json.dumps(found, default=_plain, indent=1))


def show_models(found: Sequence[ModelSummary]) -> None:
    """Print one row a model."""
    if not found:
        print("No model is registered yet: `leadloop retrain MODEL` makes the first version.")
        return
    table = _table("model", "versions", "in production", "since (UTC)", "by", "staging", "latest")
    for model in found:
        live = model.production
        table.add_row(
            model.model,
            str(model.versions),
            live.to_version if live else "none (rules answer)",
            _time(live.at) if live else "",
            escape(live.who) if live else "",
            model.staging or "",
            model.latest or "",
        )
    Console().print(table)


def show_history(entries: Iterable[Entry]) -> None:
    """Print one row a decision, oldest first."""
    table = _table("at (UTC)", "decision", "from", "to", "who", "why")
    for entry in entries:
        table.add_row(
            _time(entry.at),
            _DECISIONS[entry.decision],
            entry.from_version or "",
            entry.to_version,
            escape(entry.who),
            escape(entry.why),
        )
    Console().print(table)


def show_explanation(evidence: Evidence | None, decisions: Sequence[Entry]) -> None:
    """Print what the gate measured, rule by rule, and what was decided."""
    console = Console(highlight=False)
    if evidence is None:
        console.print("No evidence: this version never went through the gate.")
    else:
        _show_evidence(console, evidence)
    if decisions:
        console.print("\nDecisions on this version")
        show_history(decisions)


def _show_evidence(console: Console, evidence: Evidence) -> None:
    console.print(
        f"The gate {'passed' if evidence.verdict else 'did not pass'}."
        f" Trained as of {_time(evidence.as_of)} UTC on {evidence.rows} rows,"
        f" {evidence.holdout_rows} of them held out;"
        f" {evidence.mature_share:.0%} of the candidates had a ripe label."
    )
    for finding in evidence.findings:
        console.print(f"  {'pass' if finding.passed else 'FAIL'}  {finding.code}  {escape(finding.sentence)}")
    champion = f"version {evidence.champion_version}" if evidence.champion_version else "champion"
    table = _table("metric (90 % interval)", "this version", champion, "baseline")
    for measure in evidence.measures:
        table.add_row(
            measure.name,
            _interval(measure),
            _interval(_named(evidence.champion, measure.name)),
            _interval(_named(evidence.baseline, measure.name)),
        )
    console.print(table)
    if evidence.slices:
        slices = _table("slice", "value", "rows", "metric")
        for part in evidence.slices:
            slices.add_row(escape(part.column), escape(part.value), str(part.rows), f"{part.metric:.4f}")
        console.print(slices)
    for name in ("bundle_digest", "data_fingerprint", "feature_fingerprint", "code_version", "training_key"):
        console.print(f"{name.replace('_', ' ')}: {getattr(evidence, name)}", soft_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap="(UTC)" in column)
    return table


def _named(measures: Iterable[Measure], name: str) -> Measure | None:
    return next((measure for measure in measures if measure.name == name), None)


def _interval(measure: Measure | None) -> str:
    return "" if measure is None else f"{measure.value:.4f} ({measure.low:.4f} to {measure.high:.4f})"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)

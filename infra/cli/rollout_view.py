"""An open rollout, for a person."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from estate.core.clock import now
from infra.cli.registry_view import show_time, table_of
from model_registry import RolloutState
from model_registry.page import how


def show_rollout(state: RolloutState) -> None:
    """Print what is compared with what, each process, and what comes next."""
    started, console = state.started, Console(highlight=False)
    present = f"version {started.from_version}" if started.from_version else "nothing"
    console.print(
        f"{started.model} version {started.to_version} since {show_time(started.at)} UTC, by {started.who}."
        f" In production: {present}.\n{how(state.rollout)}",
        markup=False,
    )
    table = table_of("process", "state", "rows", "errors", "present version", "last word")
    moment = now()
    for report in state.reports:
        table.add_row(
            escape(report.process),
            escape(report.problem or report.state),
            str(report.candidate.rows),
            str(report.candidate.errors),
            str(report.stable.rows),
            f"{max(0.0, (moment - report.at).total_seconds()):.0f} s ago",
        )
    console.print(table)
    words = {
        "go_on": "It goes on",
        "promote": "It is promoted now",
        "abort": "It is aborted now",
        "end": "It ends",
    }
    console.print(f"{words[state.verdict.action]}: {state.verdict.why}", markup=False)

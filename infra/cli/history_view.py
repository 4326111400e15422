"""Decisions for people: as a list, and at a moment."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from estate.core.rollout import Rollout, RolloutKind
from estate.store.ledger import Entry
from infra.cli.moment_of import Answer, Moment
from infra.cli.registry_view import show_time, table_of

DECISIONS = {
    "promoted": "promoted",
    "rolled_back": "rolled back",
    "refused": "refused",
    "started": "started",
    "aborted": "aborted",
    "ended": "ended",
}


def show_history(entries: Iterable[Entry]) -> None:
    """Print one row a decision, oldest first."""
    table = table_of("at (UTC)", "decision", "from", "to", "who", "why")
    for entry in entries:
        table.add_row(
            show_time(entry.at),
            decision_words(entry),
            entry.from_version or "",
            entry.to_version,
            escape(entry.who),
            escape(entry.why),
        )
    Console().print(table)


def show_moment(moment: Moment) -> None:
    """Print what was in force, who decided it, and what it answered."""
    console = Console(highlight=False, soft_wrap=True)
    when = f"At {show_time(moment.at)} UTC"
    live = moment.in_force
    if live is None:
        console.print(f"{when} no version of {escape(moment.model)} was in production.", markup=False)
    else:
        console.print(f"{when} version {live.to_version} of {moment.model} was in force.", markup=False)
        _show_decision(console, live)
    if moment.rollout is not None:
        started = moment.rollout
        said = rollout_words(started.rollout)
        console.print(
            f"A rollout of version {started.to_version} was open: {said}; since {show_time(started.at)} UTC,"
            f" by {started.who}: {started.why}",
            markup=False,
        )
    if moment.answer is not None:
        _show_answer(console, moment.answer)
    elif moment.lead is not None:
        console.print(f"{moment.lead} had no answer of this model until then.", markup=False)


def decision_words(entry: Entry) -> str:
    """Return the decision, and how it goes into production where that takes steps."""
    words = DECISIONS[entry.decision]
    return f"{words} ({rollout_words(entry.rollout)})" if entry.rollout else words


def rollout_words(rollout: str | None) -> str:
    """Return how a version goes into production.

    Examples
    --------
    >>> rollout_words(Rollout(kind=RolloutKind.CANARY, share=0.05, requests=500).to_json())
    'canary on 5 % of the cases until 500 rows'
    """
    if rollout is None:
        return "at once"
    how = Rollout.from_json(rollout)
    match how.kind:
        case RolloutKind.ALL_AT_ONCE:
            return "at once"
        case RolloutKind.BLUE_GREEN:
            return "blue-green"
        case RolloutKind.CANARY | RolloutKind.SHADOW:
            return f"{how.kind.value} on {how.share * 100:.3g} % of the cases until {how.requests} rows"


def _show_decision(console: Console, live: Entry) -> None:
    before = f", before: version {live.from_version}" if live.from_version else ""
    lines = (
        f"  {DECISIONS[live.decision]} {show_time(live.at)} UTC by {live.who}",
        f"  ledger row {live.seq}{before}",
        f"  why: {live.why}",
        f"  evidence: {live.evidence_digest or 'none'}",
    )
    for line in lines:
        console.print(line, markup=False)


def _show_answer(console: Console, answer: Answer) -> None:
    label = f" ({answer.label})" if answer.label else ""
    remark = f"; {answer.remark}" if answer.remark else ""
    console.print(
        f"{answer.lead} was last answered at {show_time(answer.at)} UTC: score {answer.score:.4f}{label} by"
        f" version {answer.version} ({answer.answered_by.value}){remark}.",
        markup=False,
    )

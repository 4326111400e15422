"""Evidence for people: what the gate measured, who signed it, what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape

from estate.core.errors import SignatureError
from estate.core.evidence import Evidence, Measure
from estate.signing import TrustedKeys
from estate.store.evidence import SignedEvidence
from estate.store.ledger import Entry
from infra.cli.history_view import show_history
from infra.cli.registry_view import show_time, table_of

_DIGESTS = ("bundle_digest", "artifacts_digest", "requirements_digest", "data_fingerprint",
            "feature_fingerprint", "code_version", "training_key")  # fmt: skip


def signature_words(signed: SignedEvidence, trusted: TrustedKeys) -> str:
    """Return ``valid``, ``unsigned``, ``untrusted key`` or ``changed``, the key's id behind it."""
    if signed.signature is None:
        return "unsigned"
    key = signed.signature.key_id
    if key not in trusted:
        return f"untrusted key {key}"
    try:
        signed.verify(trusted)
    except SignatureError:
        return f"changed after key {key} signed it"
    return f"valid, key {key}"


def show_explanation(evidence: Evidence | None, signature: str | None, decisions: Sequence[Entry]) -> None:
    """Print what the gate measured, rule by rule, and what was decided."""
    console = Console(highlight=False)
    if evidence is None:
        console.print("No evidence: this version never went through the gate.")
    else:
        _show_verdict(console, evidence, signature or "unsigned")
        _show_measures(console, evidence)
        _show_search(console, evidence)
        _show_groups(console, evidence)
        _show_cost(console, evidence)
        for name in _DIGESTS:
            value = getattr(evidence, name) or "not known"
            console.print(f"{name.replace('_', ' ')}: {value}", soft_wrap=True, markup=False)
    if decisions:
        console.print("\nDecisions on this version")
        show_history(decisions)


def _show_verdict(console: Console, evidence: Evidence, signature: str) -> None:
    console.print(
        f"The gate {'passed' if evidence.verdict else 'did not pass'}."
        f" Trained as of {show_time(evidence.as_of)} UTC on {evidence.rows} rows,"
        f" {evidence.holdout_rows} of them held out;"
        f" {evidence.mature_share:.0%} of the candidates had a ripe label."
    )
    console.print(f"signature: {signature}", markup=False)
    console.print(f"trained by: {evidence.trained_by}", markup=False)
    used = f"{evidence.holdout_uses} earlier gates" if evidence.holdout_uses else "no earlier gate"
    console.print(f"the frozen rows were used by {used}")
    if evidence.memory:
        console.print(evidence.memory, markup=False)
    for finding in evidence.findings:
        console.print(f"  {'pass' if finding.passed else 'FAIL'}  {finding.code}  {escape(finding.sentence)}")


def _show_measures(console: Console, evidence: Evidence) -> None:
    champion = f"version {evidence.champion_version}" if evidence.champion_version else "champion"
    table = table_of("metric (90 % interval)", "this version", champion, "baseline")
    for measure in evidence.measures:
        table.add_row(
            measure.name,
            _interval(measure),
            _interval(_named(evidence.champion, measure.name)),
            _interval(_named(evidence.baseline, measure.name)),
        )
    console.print(table)
    if evidence.slices:
        slices = table_of("slice", "value", "rows", "metric")
        for part in evidence.slices:
            slices.add_row(escape(part.column), escape(part.value), str(part.rows), f"{part.metric:.4f}")
        console.print(slices)


def _show_search(console: Console, evidence: Evidence) -> None:
    search = evidence.search
    if search is None:
        return
    console.print(search.sentence, markup=False)
    if search.reason:
        console.print(f"the first trial that failed: {search.reason}", markup=False)
    table = table_of("searched", "chosen", "the spec's own")
    for one in search.parameters:
        table.add_row(escape(one.name), escape(one.chosen), escape(one.own))
    console.print(table)


def _show_groups(console: Console, evidence: Evidence) -> None:
    if not evidence.groups:
        return
    table = table_of("protected", "group", "rows", "acted on", "impact ratio")
    for group in evidence.groups:
        table.add_row(
            escape(group.column),
            escape(group.value),
            str(group.rows),
            f"{group.selected:.1%}",
            f"{group.impact_ratio:.2f}",
        )
    console.print(table)


def _show_cost(console: Console, evidence: Evidence) -> None:
    cost = evidence.serving
    if cost is None:
        console.print("serving cost: not measured")
        return
    console.print(
        f"serving cost: p95 {cost.p95_ms:.2f} ms a row over {cost.requests} requests,"
        f" {cost.memory_mb:.0f} MB; golden rows differ by {cost.golden_difference:.1e} at most"
    )


def _named(measures: Iterable[Measure], name: str) -> Measure | None:
    return next((measure for measure in measures if measure.name == name), None)


def _interval(measure: Measure | None) -> str:
    return "" if measure is None else f"{measure.value:.4f} ({measure.low:.4f} to {measure.high:.4f})"

"""The model card: what a person reads on a version's page before promoting it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from estate.core.evidence import Evidence, Measure
from estate.core.model_spec import ModelSpec, Task

LIMIT = 3_500
"""Characters, so that a reason and a preview fit beside it on the version's page."""
CALIBRATION_PLOT = "CALIBRATION_PLOT"
"""Stands for the address of the run's picture, which nobody knows before registration."""
_GAP = "&ensp; | "  # MLflow sets tables without any space between the columns
_ROWS = 5


def model_card(spec: ModelSpec, evidence: Evidence, importance: Mapping[str, float]) -> str:
    """Return the card as Markdown; where it would be longer than ``LIMIT``, with less of what passed."""
    whole = _card(spec, evidence, importance, rules=_rules(evidence, passed_too=True))
    if len(whole) <= LIMIT:
        return whole
    shorter = _card(spec, evidence, importance, rules=_rules(evidence, passed_too=False))
    return shorter if len(shorter) <= LIMIT else f"{shorter[: LIMIT - 1]}…"


def _card(spec: ModelSpec, evidence: Evidence, importance: Mapping[str, float], *, rules: str) -> str:
    verdict = "**passed**: it may be promoted" if evidence.verdict else "**refused**: it can't be promoted"
    blocks = [
        f"{_cut(spec.purpose, 400)}\n\nThe gate {verdict}.",
        rules,
        _table(evidence),
        f"![calibration]({CALIBRATION_PLOT})" if spec.task is Task.BINARY else "",
        _data(evidence),
        _limits(spec, evidence),
        _slices(evidence, spec.gate.metric),
        _groups(evidence),
        "Most important features (loss when shuffled): "
        + ", ".join(f"`{name}` {worth:.4f}" for name, worth in list(importance.items())[:_ROWS]),
        f"Evidence `{evidence.digest[:16]}`, data `{evidence.data_fingerprint[:16]}`, "
        f"features `{evidence.feature_fingerprint[:16]}`, Leadloop {evidence.code_version}; "
        f"trained by {_cut(evidence.trained_by, 60)}.",
    ]
    return "\n\n".join(block for block in blocks if block)


def _rules(evidence: Evidence, *, passed_too: bool) -> str:
    shown = evidence.findings if passed_too else evidence.refusals()
    lines = [f"- {'ok' if f.passed else 'NO'} {f.code}: {_cut(f.sentence, 330)}" for f in shown]
    if not passed_too:
        passed = ", ".join(finding.code for finding in evidence.findings if finding.passed)
        lines.append(f"- ok {passed}; `leadloop explain` prints what they measured")
    return "\n".join(lines)


def _data(evidence: Evidence) -> str:
    return (
        f"Trained on {evidence.rows - evidence.holdout_rows:,} rows known at {evidence.as_of:%Y-%m-%d %H:%M} "
        f"UTC and judged on the newest {evidence.holdout_rows:,}; {evidence.mature_share:.0%} of the "
        "candidates had a ripe label."
        + (f" {_cut(evidence.memory, 300)}." if evidence.memory else "")
        + (f" {_capital(_cut(evidence.search.sentence, 400))}." if evidence.search else "")
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _limits(spec: ModelSpec, evidence: Evidence) -> str:
    said = [
        "not for another decision than the one named above, nor for rows unlike those that it was judged on.",
        "The gate compares on past rows: what changed after them is not in these numbers.",
    ]
    if evidence.holdout_uses:
        said.append(f"{evidence.holdout_uses} gates had judged on these rows before.")
    unmeasured = [
        name
        for name, absent in (
            ("latency and memory", evidence.serving is None),
            ("protected groups (the spec names none)", not spec.gate.protected),
            ("slices (the spec names none)", not spec.gate.slices),
        )
        if absent
    ]
    if unmeasured:
        said.append(f"Not measured: {', '.join(unmeasured)}.")
    return "Limits: " + " ".join(said)


def _table(evidence: Evidence) -> str:
    champion = f"version {evidence.champion_version}"
    others = {"baseline": evidence.baseline, champion: evidence.champion}
    columns = {
        "this version": evidence.measures,
        **{name: values for name, values in others.items() if values},
    }
    head = [f"on the same {evidence.holdout_rows:,} rows", *columns]
    rows = [
        [measure.name, *(_cell(values[i]) for values in columns.values())]
        for i, measure in enumerate(evidence.measures)
    ]
    return _markdown(head, rows)


def _markdown(head: list[str], rows: Sequence[list[str]]) -> str:
    lines = [f"| {_GAP.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "| --- " * len(head) + "|", *lines[1:]])


def _cell(measure: Measure) -> str:
    return f"{measure.value:.4g} ({measure.low:.3g} to {measure.high:.3g})"


def _slices(evidence: Evidence, metric: str) -> str:
    if not evidence.slices:
        return ""
    largest = sorted(evidence.slices, key=lambda part: -part.rows)[:_ROWS]
    rows = [[_cut(f"{s.column} = {s.value}", 40), str(s.rows), f"{s.metric:.4g}"] for s in largest]
    left = len(evidence.slices) - len(largest)
    more = f" (the largest; {left} more in `leadloop explain`)" if left else ""
    return f"By slice{more}:\n\n" + _markdown(["slice", "rows", metric], rows)


def _groups(evidence: Evidence) -> str:
    if not evidence.groups:
        return ""
    worst = sorted(evidence.groups, key=lambda group: group.impact_ratio)[:_ROWS]
    rows = [
        [_cut(f"{g.column} = {g.value}", 40), str(g.rows), f"{g.selected:.1%}", f"{g.impact_ratio:.2f}"]
        for g in worst
    ]
    return "Protected groups, lowest impact ratio first:\n\n" + _markdown(
        ["group", "rows", "selected", "impact ratio"], rows
    )


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"

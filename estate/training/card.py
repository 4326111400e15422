"""The model card: what a person reads on a version's page before promoting it."""

from __future__ import annotations

from collections.abc import Mapping

from estate.core.evidence import Evidence, Measure
from estate.core.model_spec import ModelSpec

_GAP = "&ensp; | "  # MLflow sets tables without any space between the columns


def model_card(spec: ModelSpec, evidence: Evidence, importance: Mapping[str, float]) -> str:
    """Return the card as Markdown."""
    verdict = "**passed**: it may be promoted" if evidence.verdict else "**refused**: it can't be promoted"
    blocks = [
        f"{spec.purpose}\n\nThe gate {verdict}.",
        "\n".join(f"- {'ok' if f.passed else 'NO'} {f.code}: {f.sentence}" for f in evidence.findings),
        _table(evidence),
        _slices(evidence, spec.gate.metric),
        "Most important features (loss when shuffled): "
        + ", ".join(f"`{name}` {worth:.4f}" for name, worth in list(importance.items())[:8]),
        f"Trained on {evidence.rows - evidence.holdout_rows:,} rows known at {evidence.as_of:%Y-%m-%d %H:%M} "
        f"UTC and judged on the newest {evidence.holdout_rows:,}; {evidence.mature_share:.0%} of the "
        "candidates had a ripe label. The gate compares on past rows: "
        "what changed after them is not in these numbers.",
        f"Evidence `{evidence.digest[:16]}`, data `{evidence.data_fingerprint[:16]}`, "
        f"features `{evidence.feature_fingerprint[:16]}`, Leadloop {evidence.code_version}.",
    ]
    return "\n\n".join(block for block in blocks if block)


def _table(evidence: Evidence) -> str:
    others = {"baseline": evidence.baseline, "champion": evidence.champion}
    columns = {
        "this version": evidence.measures,
        **{name: values for name, values in others.items() if values},
    }
    if evidence.champion_version:
        columns = {
            f"version {evidence.champion_version}" if n == "champion" else n: v for n, v in columns.items()
        }
    head = [f"on the same {evidence.holdout_rows:,} rows", *columns]
    rows = [
        [measure.name, *(_cell(values[i]) for values in columns.values())]
        for i, measure in enumerate(evidence.measures)
    ]
    return _markdown(head, rows)


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {_GAP.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], "| --- " * len(head) + "|", *lines[1:]])


def _cell(measure: Measure) -> str:
    return f"{measure.value:.4g} ({measure.low:.4g} to {measure.high:.4g})"


def _slices(evidence: Evidence, metric: str) -> str:
    if not evidence.slices:
        return ""
    rows = [[f"{s.column} = {s.value}", str(s.rows), f"{s.metric:.4g}"] for s in evidence.slices]
    return "By slice:\n\n" + _markdown(["slice", "rows", metric], rows)

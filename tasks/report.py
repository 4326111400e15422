"""What a run leaves in the Prefect UI."""

from __future__ import annotations

import base64
from pathlib import Path

from prefect import task
from prefect.artifacts import create_image_artifact, create_table_artifact

from estate.core.evidence import Evidence
from tasks.retrying import COMPUTES


@task(name="report", **COMPUTES)
def report_training(evidence: Evidence, version: str, plots: list[Path]) -> None:
    """Show the gate's findings and measures as tables, and the first plot of the model."""
    key = evidence.model.replace("_", "-")
    findings = [
        {"rule": f.code, "passed": "yes" if f.passed else "NO", "found": f.sentence}
        for f in evidence.findings
    ]
    create_table_artifact(
        findings, key=f"{key}-gate", description=f"Gate of {evidence.model} version {version}"
    )
    champion = {measure.name: measure.value for measure in evidence.champion}
    baseline = {measure.name: measure.value for measure in evidence.baseline}
    measures = [
        {
            "metric": m.name,
            "value": round(m.value, 5),
            "90 % interval": f"{m.low:.5g} to {m.high:.5g}",
            "baseline": round(baseline[m.name], 5),
            f"version {evidence.champion_version}": round(champion[m.name], 5) if champion else "",
        }
        for m in evidence.measures
    ]
    create_table_artifact(
        measures, key=f"{key}-measures", description=f"{evidence.holdout_rows} holdout rows"
    )
    for plot in plots:
        encoded = base64.b64encode(plot.read_bytes()).decode()
        create_image_artifact(
            f"data:image/png;base64,{encoded}",
            key=f"{key}-{plot.stem.replace('_', '-')}",
            description=f"{evidence.model} version {version}: {plot.stem}",
        )

"""What a run leaves in the Prefect UI."""

from __future__ import annotations

import base64
from pathlib import Path

from prefect import task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from estate.core.evidence import Evidence
from tasks.retrying import COMPUTES


@task(name="report", **COMPUTES)
def report_training(evidence: Evidence, version: str, plots: list[Path]) -> None:
    """Show the gate's findings and the measures as tables, and the plots on one page."""
    key, named = evidence.model.replace("_", "-"), f"{evidence.model} version {version}"
    create_table_artifact(_findings(evidence), key=f"{key}-gate", description=f"Gate of {named}")
    create_table_artifact(
        _measures(evidence),
        key=f"{key}-measures",
        description=f"{named} on {evidence.holdout_rows} holdout rows",
    )
    # Not image artifacts: Prefect writes their address, here the whole picture in base64, across the page.
    create_markdown_artifact(
        "\n\n".join(_picture(plot) for plot in plots), key=f"{key}-plots", description=named
    )


def _findings(evidence: Evidence) -> list[dict[str, str]]:
    return [
        {"rule": f.code, "passed": "yes" if f.passed else "NO", "found": f.sentence}
        for f in evidence.findings
    ]


def _measures(evidence: Evidence) -> list[dict[str, str | float]]:
    rows: list[dict[str, str | float]] = [
        {
            "metric": m.name,
            "value": round(m.value, 5),
            "90 % interval": f"{m.low:.5g} to {m.high:.5g}",
        }
        for m in evidence.measures
    ]
    others = {"baseline": evidence.baseline, f"version {evidence.champion_version}": evidence.champion}
    for column, measures in others.items():
        value = {measure.name: measure.value for measure in measures}
        for row in rows if value else ():
            row[column] = round(value[str(row["metric"])], 5)
    return rows


def _picture(plot: Path) -> str:
    return f"![{plot.stem}](data:image/png;base64,{base64.b64encode(plot.read_bytes()).decode()})"

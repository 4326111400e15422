"""Evidently's own dashboard over time: a workspace with one project a model, to which each report is added.

Only where `LEADLOOP_EVIDENTLY_PORT` is set. It holds results and pictures, no rows. See
docs/decisions/0014-evidently-dashboard.md.
"""

from __future__ import annotations

import logging
import uuid
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from estate.core.settings import Settings

log = logging.getLogger(__name__)

_NAMESPACE = uuid.UUID("0e2b6c38-6a0a-4c6e-9a53-6d0f3f0a9c77")
_TAB = "drift"


def workspace_of(home: Path) -> Path:
    """Return the folder of the workspace."""
    return home / "evidently"


def adding_for(settings: Settings, model: str) -> Callable[[Any], None] | None:
    """Return what adds a model's reports to the dashboard; None where there is none."""
    if settings.evidently_port is None:
        return None
    return partial(add_run, workspace_of(settings.home), model, keep=settings.reports_kept)


def add_run(workspace: Path, model: str, run: Any, *, keep: int) -> None:
    """Add a report to a model's project, and remove the oldest; never raises, for it is a picture.

    Parameters
    ----------
    workspace : Path
        Made if it is not there.
    run : Snapshot
        As :func:`monitoring.evidently_run.run_evidently` returns it.
    keep : int
        So many of the newest stay, at least 1.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Evidently imports deprecated names
            _add(workspace, model, run, keep)
    except Exception as error:  # Evidently raises whatever its parts raise
        log.warning("run not added workspace=%s error=%s", workspace, type(error).__name__)
        log.debug("run not added", exc_info=True)


def _add(workspace: Path, model: str, run: Any, keep: int) -> None:
    from evidently.ui.workspace import Workspace

    workspace.mkdir(parents=True, exist_ok=True)
    opened = Workspace(str(workspace))
    # The same for every process that adds: two first passes at once make one project.
    project = uuid.uuid5(_NAMESPACE, model)
    if not (workspace / str(project) / "dashboard.json").exists():
        _make_project(opened, project, model)
    opened.add_run(project, run, include_data=False)
    made = sorted(
        (workspace / str(project) / "snapshots").glob("*.json"), key=lambda path: path.stat().st_mtime
    )
    for old in made[: -max(1, keep)]:
        old.unlink(missing_ok=True)


def _make_project(opened: Any, project: uuid.UUID, model: str) -> None:
    from evidently.sdk.models import PanelMetric, ProjectModel
    from evidently.sdk.panels import line_plot_panel

    made = opened.add_project(ProjectModel(id=project, name=model, description="Reports of the watch"))
    made.dashboard.add_panel(
        line_plot_panel(
            title="Columns that Evidently flags",
            values=[
                PanelMetric(
                    metric="DriftedColumnsCount", metric_labels={"value_type": "count"}, legend="columns"
                )
            ],
        ),
        tab=_TAB,
    )

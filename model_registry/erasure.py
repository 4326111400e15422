"""A lead taken out of what runs and versions keep: rows that they learned from, texts that name it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from estate.training.snapshot import SNAPSHOT, erase_from_snapshot
from model_registry.connection import Registry, answering
from model_registry.reconcile import registered_models
from model_registry.tags import SEARCH_KEY

if TYPE_CHECKING:
    from mlflow.entities import Run

ERASED = "leadloop.erased"
"""Tag of a run: fingerprint of its rows since some were taken out on request."""
_NAME = "(erased)"
_PAGE = 1000


@dataclass(frozen=True)
class ErasedRun:
    """What was taken out of the rows of a run.

    Parameters
    ----------
    run_id, model : str
    rows : int
    before, after : str
        Fingerprints of its rows.
    """

    run_id: str
    model: str
    rows: int
    before: str
    after: str


def erase_from_runs(
    registry: Registry,
    lead_id: str,
    *,
    others: Collection[str] = (),
    looked: Callable[[int], None] | None = None,
) -> tuple[int, list[ErasedRun]]:
    """Take a lead's rows out of every run that keeps its rows, deleted runs too; safe to repeat.

    Parameters
    ----------
    others : collection of str
        Leads whose ids look like this one's with a home; theirs stay.
    looked : callable, optional
        Told after each run how many were looked at.

    Returns
    -------
    tuple
        How many runs keep rows, and those that had some of this lead.

    Raises
    ------
    RegistryError
        If MLflow can't be reached.
    """
    kept, erased = 0, []
    with answering(registry, "rows of runs"):
        for place, run in enumerate(_runs(registry), start=1):
            if any(file.path == SNAPSHOT for file in registry.client.list_artifacts(run.info.run_id)):
                kept += 1
                found = _erase(registry, run.info.run_id, lead_id, others)
                erased += [found] if found is not None else []
            if looked is not None:
                looked(place)
    return kept, erased


def erase_from_texts(registry: Registry, lead_id: str) -> int:
    """Take a lead's name out of the descriptions of versions, which name the biggest movers; return how many.

    Raises
    ------
    RegistryError
        If MLflow can't be reached.
    """
    name = re.compile(rf"(?<![\w-]){re.escape(lead_id)}(?![\w-])")
    changed = 0
    with answering(registry, "descriptions of versions"):
        for model in registered_models(registry):
            versions = registry.client.search_model_versions(f"name = '{model.name}'", max_results=10_000)
            for version in versions:
                text = version.description or ""
                if name.search(text):
                    left = name.sub(_NAME, text)
                    registry.client.update_model_version(model.name, version.version, description=left)
                    changed += 1
    return changed


def _erase(registry: Registry, run_id: str, lead_id: str, others: Collection[str]) -> ErasedRun | None:
    with TemporaryDirectory(prefix="leadloop-erase-") as folder:
        path = Path(registry.client.download_artifacts(run_id, SNAPSHOT, folder))
        copy = Path(folder) / "left" / SNAPSHOT  # an artifact store on this disk hands out its own file
        copy.parent.mkdir()
        copy.write_bytes(path.read_bytes())
        found = erase_from_snapshot(copy, lead_id, others)
        if found is None:
            return None
        registry.client.log_artifact(run_id, str(copy))
        registry.client.set_tag(run_id, ERASED, found.after)
    return ErasedRun(run_id, found.model, found.rows, found.before, found.after)


def _runs(registry: Registry) -> Iterator[Run]:
    from mlflow.entities import ViewType

    experiments = [one.experiment_id for one in registry.client.search_experiments(view_type=ViewType.ALL)]
    token = None
    while experiments:
        page = registry.client.search_runs(
            experiments, run_view_type=ViewType.ALL, max_results=_PAGE, page_token=token
        )
        yield from (run for run in page if SEARCH_KEY not in run.data.tags)  # trials keep no rows
        token = page.token
        if not token:
            return

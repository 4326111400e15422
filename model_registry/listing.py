"""What exists: the registry's versions beside the ledger's decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Entry
from model_registry.connection import Registry, answering
from model_registry.reconcile import registered_models
from model_registry.tags import DECISION, STAGING_ALIAS, TRAINING_KEY


@dataclass(frozen=True, kw_only=True)
class ModelSummary:
    """One registered model.

    Parameters
    ----------
    model : str
    versions : int
        How many there are.
    latest, staging : str or None
        Highest version; version under the alias ``staging``.
    production : Entry or None
        The decision that put the present production version there.
    deleted : bool
        Whether the registry no longer has that version; serving keeps its copy.
    rollout : Entry or None
        The decision that started the rollout which is open.
    """

    model: str
    versions: int
    latest: str | None
    staging: str | None
    production: Entry | None
    deleted: bool = False
    rollout: Entry | None = None


@dataclass(frozen=True, kw_only=True)
class VersionSummary:
    """One version as the registry shows it; ``decision`` is empty before the first one."""

    version: str
    created_at: datetime
    stage: str
    training_key: str
    decision: str


def list_models(registry: Registry, database: Database) -> list[ModelSummary]:
    """Return every registered model, and those in production that the registry has lost, by name.

    Raises
    ------
    RegistryError, StoreError
        If either can't be reached.
    """
    with database.begin() as connection:
        present, opened = ledger.current_all(connection), ledger.open_rollouts(connection)
    with answering(registry, "list of models"):
        shown = {model.name: model for model in registered_models(registry)}
        found = []
        for name in sorted({*shown, *present}):
            versions = list_versions(registry, name) if name in shown else []
            staging = shown[name].aliases.get(STAGING_ALIAS) if name in shown else None
            live = present.get(name)
            found.append(
                ModelSummary(
                    model=name,
                    versions=len(versions),
                    latest=versions[0].version if versions else None,
                    staging=None if staging is None else str(staging),
                    production=live,
                    deleted=live is not None and live.to_version not in {v.version for v in versions},
                    rollout=opened.get(name),
                )
            )
    return found


def list_versions(registry: Registry, model: str) -> list[VersionSummary]:
    """Return the versions of a model, newest first.

    Raises
    ------
    RegistryError
        If the registry can't be reached.
    """
    with answering(registry, f"versions of `{model}`"):
        found = [
            VersionSummary(
                version=str(shown.version),
                created_at=datetime.fromtimestamp(shown.creation_timestamp / 1000, UTC),
                stage=shown.current_stage or "None",
                training_key=shown.tags.get(TRAINING_KEY, ""),
                decision=shown.tags.get(DECISION, ""),
            )
            for shown in registry.client.search_model_versions(f"name = '{model}'", max_results=10_000)
        ]
    return sorted(found, key=lambda summary: int(summary.version), reverse=True)

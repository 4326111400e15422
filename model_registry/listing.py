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
    """

    model: str
    versions: int
    latest: str | None
    staging: str | None
    production: Entry | None


@dataclass(frozen=True, kw_only=True)
class VersionSummary:
    """One version as the registry shows it; ``decision`` is empty before the first one."""

    version: str
    created_at: datetime
    stage: str
    training_key: str
    decision: str


def list_models(registry: Registry, database: Database) -> list[ModelSummary]:
    """Return every registered model, by name.

    Raises
    ------
    RegistryError, StoreError
        If either can't be reached.
    """
    with database.begin() as connection:
        present = ledger.current_all(connection)
    with answering(registry, "list of models"):
        return [
            _summary(registry, shown.name, shown.aliases.get(STAGING_ALIAS), present.get(shown.name))
            for shown in sorted(registered_models(registry), key=lambda shown: shown.name)
        ]


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


def _summary(registry: Registry, model: str, staging: str | None, production: Entry | None) -> ModelSummary:
    versions = list_versions(registry, model)
    return ModelSummary(
        model=model,
        versions=len(versions),
        latest=versions[0].version if versions else None,
        staging=None if staging is None else str(staging),
        production=production,
    )

"""A model of ours that MLflow does not list any more: renamed, or deleted."""

from __future__ import annotations

from collections.abc import Collection

from estate.store import evidence as evidence_store
from estate.store.database import Database
from estate.store.own_models import newest_version
from model_registry.connection import Registry, answering
from model_registry.tags import TRAINING_KEY

_COPY = "models:/"  # how the source begins of a version that MLflow has copied from another model


def look_for(registry: Registry, database: Database, model: str, *, ours: Collection[str]) -> str:
    """Rename a model back that was renamed; return the sentence for the log.

    Its evidence, decisions and rows in serving go by its name. A copy of one of its versions to another
    model is no renaming.

    Raises
    ------
    RegistryError
        If the registry can't be reached.
    """
    with answering(registry, f"search for `{model}`"):
        name = _new_name(registry, database, model, ours)
        if name is None:
            return (
                f"model={model} was deleted in MLflow: its evidence and decisions stay,"
                " serving keeps its copy; a new training begins a new life under the same name"
            )
        registry.client.rename_registered_model(name, model)
    return f"model={model} was renamed to {name} in MLflow, and was renamed back"


def _new_name(registry: Registry, database: Database, model: str, ours: Collection[str]) -> str | None:
    with database.begin() as connection:
        version = newest_version(connection, model)
        found = evidence_store.load(connection, model, version) if version else None
    if found is None:
        return None
    holders = registry.client.search_model_versions(f"tag.{TRAINING_KEY} = '{found.training_key}'")
    for holder in holders:
        same = str(holder.version) == version and not str(holder.source).startswith(_COPY)
        if same and holder.name not in ours:
            return str(holder.name)
    return None

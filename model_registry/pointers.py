"""Where people point: the aliases ``production``, ``canary``, ``shadow`` and the old stage ``Production``."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_registry.connection import Registry, answering, error_code
from model_registry.tags import (
    ARCHIVED_STAGE,
    CANARY_ALIAS,
    NO_STAGE,
    PRODUCTION_ALIAS,
    PRODUCTION_STAGE,
    SHADOW_ALIAS,
    STAGING_ALIAS,
    STAGING_STAGE,
)

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel


@dataclass(frozen=True)
class Pointers:
    """What the registry shows of one model.

    Parameters
    ----------
    alias : str or None
        Version under the alias ``production``.
    staged : tuple of str
        Versions in stage ``Production``, the last moved at the end.
    canary, shadow : str or None
        Versions under the aliases of those names.
    """

    alias: str | None
    staged: tuple[str, ...] = ()
    canary: str | None = None
    shadow: str | None = None

    @property
    def stage(self) -> str | None:
        """The staged versions as ``registry_views`` keeps them: joined by ``,``, None if there are none."""
        return ",".join(sorted(self.staged, key=int)) or None

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that is pointed at."""
        found = (self.alias, *self.staged, self.canary, self.shadow)
        return tuple(dict.fromkeys(version for version in found if version is not None))


@dataclass(frozen=True)
class Shown:
    """One model as the registry shows it, with all its versions by number."""

    pointers: Pointers
    versions: Mapping[str, ModelVersion]


def look(registry: Registry, model: str) -> Shown:
    """Ask MLflow for aliases, stages and versions."""
    shown = registry.client.get_registered_model(model)
    found = registry.client.search_model_versions(f"name = '{model}'", max_results=10_000)
    versions = {str(version.version): version for version in found}
    pointers = Pointers(
        _version(shown, PRODUCTION_ALIAS),
        _staged(versions.values(), PRODUCTION_STAGE),
        _version(shown, CANARY_ALIAS),
        _version(shown, SHADOW_ALIAS),
    )
    return Shown(pointers, versions)


def aliases_of(shown: RegisteredModel) -> tuple[str | None, str | None, str | None]:
    """Return the versions under ``production``, ``canary`` and ``shadow`` in a model's summary."""
    return _version(shown, PRODUCTION_ALIAS), _version(shown, CANARY_ALIAS), _version(shown, SHADOW_ALIAS)


def move_alias(registry: Registry, model: str, version: str | None, *, alias: str = PRODUCTION_ALIAS) -> None:
    """Point an alias to a version, or take it away."""
    if version is None:
        registry.client.delete_registered_model_alias(model, alias)
    else:
        registry.client.set_registered_model_alias(model, alias, version)


def move_stage(
    registry: Registry, model: str, version: str | None, *, seen: Pointers, refused: Collection[str]
) -> None:
    """Leave exactly ``version`` (None: nothing) in stage Production.

    Others that were there become Archived, or, if they were refused, what they were before.
    """
    staging = _version(registry.client.get_registered_model(model), STAGING_ALIAS)
    for other in seen.staged:
        if other == version:
            continue
        if version is None or other in refused:
            _transition(registry, model, other, STAGING_STAGE if other == staging else NO_STAGE)
        else:
            _transition(registry, model, other, ARCHIVED_STAGE)
    if version is not None:
        _transition(registry, model, version, PRODUCTION_STAGE)


def stage(registry: Registry, model: str, version: str) -> None:
    """Put a version up for promotion: alias ``staging`` and, unless it is in production, stage Staging.

    Raises
    ------
    RegistryError
        If the registry can't be reached or does not know the version.
    """
    with answering(registry, f"staging of `{model}` version {version}"):
        shown = registry.client.get_model_version(model, version)
        registry.client.set_registered_model_alias(model, STAGING_ALIAS, version)
        others = registry.client.search_model_versions(f"name = '{model}'", max_results=10_000)
        for other in _staged(others, STAGING_STAGE):
            if other != version:
                _transition(registry, model, other, ARCHIVED_STAGE)
        if shown.current_stage not in (PRODUCTION_STAGE, STAGING_STAGE):
            _transition(registry, model, version, STAGING_STAGE)


def exists(registry: Registry, model: str, version: str) -> bool:
    """Return whether the registry knows this version."""
    from mlflow.exceptions import MlflowException

    try:
        registry.client.get_model_version(model, version)
    except MlflowException as error:
        if error_code(error) in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return False
        raise
    return True


def _staged(versions: Collection[ModelVersion], stage: str) -> tuple[str, ...]:
    found = [version for version in versions if version.current_stage == stage]
    found.sort(key=lambda version: (version.last_updated_timestamp or 0, int(version.version)))
    return tuple(str(version.version) for version in found)


def _version(shown: RegisteredModel, alias: str) -> str | None:
    version = shown.aliases.get(alias)
    return None if version is None else str(version)


def _transition(registry: Registry, model: str, version: str, stage: str) -> None:
    with warnings.catch_warnings():
        # Stages are deprecated in MLflow; people still have the menu, so both are kept in step.
        warnings.simplefilter("ignore", FutureWarning)
        # MLflow's own archiving of the others fails on Postgres with psycopg 3: it compares the version
        # number with a text. Each is moved by itself instead.
        registry.client.transition_model_version_stage(model, version, stage, archive_existing_versions=False)

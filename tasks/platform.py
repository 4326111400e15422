"""What every task needs, opened once at the start of a run."""

from __future__ import annotations

from dataclasses import dataclass

from estate.catalog import Catalog, load_catalog
from estate.core.errors import RegistryError, StoreError
from estate.core.settings import Settings, load_settings
from estate.store.database import Database
from model_registry import Registry, connect


@dataclass(frozen=True)
class Platform:
    """The way to the settings, the database, the registry and the models' descriptions."""

    settings: Settings
    database: Database
    registry: Registry
    catalog: Catalog


def open_platform(settings: Settings | None = None) -> Platform:
    """Read the settings; nothing is connected yet.

    Raises
    ------
    SettingsError
        If an address is not known.
    """
    settings = settings or load_settings()
    return Platform(
        settings, Database(settings.endpoint("database_url")), connect(settings), load_catalog(settings)
    )


def may_pass(error: BaseException) -> bool:
    """Return whether trying again can help: somebody did not answer, rather than said no."""
    return isinstance(error, StoreError | RegistryError) and "an answer" in error.expected

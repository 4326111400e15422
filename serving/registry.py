"""The model registry, loaded in the background: its client takes seconds to import."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from estate.core.errors import LeadloopError
from estate.core.settings import Settings
from serving.last_good import Fetch

logger = logging.getLogger(__name__)


def registry_fetch(settings: Settings) -> Fetch:
    """Return a fetch from the model registry; that is imported when it is first asked: it takes seconds."""

    def fetch(model: str, version: str, destination: Path) -> Path:
        import model_registry

        return model_registry.fetch_bundle(model_registry.connect(settings), model, version, destination)

    return fetch


def registry_prepare(settings: Settings) -> Callable[[], None]:
    """Return what loads the registry's client, so that the first promotion is in service at once."""

    def prepare() -> None:
        import model_registry

        try:
            _ = model_registry.connect(settings).client
        except LeadloopError as error:
            logger.info("registry_not_prepared reason=%s", error)

    return prepare

"""A shop with a serving process on a free port."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from estate.core.settings import Settings
from estate.store.database import Database
from tests.serving.shop import MODEL_FILE, Shop


@pytest.fixture
def shop(tmp_path: Path, database: Database) -> Shop:
    """Return a shop with the models ``sale`` (with rules) and ``bare`` (without), and no version yet."""
    models = tmp_path / "models"
    models.mkdir()
    (models / "model.py").write_text(MODEL_FILE)
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(database.url), models=(models,))
    return Shop(tmp_path, settings, database)

"""The folder of the running stack's model files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from estate.core.settings import Settings
from tests.desk import Desk, open_desk


@pytest.fixture
def folder(stack: Settings) -> Iterator[Path]:
    """Return the folder where the stack looks for model files; what a test puts there is taken away again."""
    (folder,) = stack.models
    folder.mkdir(exist_ok=True)
    before = set(folder.iterdir())
    yield folder
    for path in set(folder.iterdir()) - before:
        path.unlink()


@pytest.fixture(scope="module")
def desk(stack: Settings) -> Iterator[Desk]:
    """Two versions of a user's model that passed their gates, on the running stack."""
    opened = open_desk(stack)
    yield opened
    opened.database.engine.dispose()


@pytest.fixture
def from_first(desk: Desk) -> Desk:
    """Return the desk with version 1 in production."""
    desk.in_production("1")
    return desk

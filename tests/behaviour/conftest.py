"""The folder of the running stack's model files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from estate.core.settings import Settings


@pytest.fixture
def folder(stack: Settings) -> Iterator[Path]:
    """Return the folder where the stack looks for model files; what a test puts there is taken away again."""
    (folder,) = stack.models
    folder.mkdir(exist_ok=True)
    before = set(folder.iterdir())
    yield folder
    for path in set(folder.iterdir()) - before:
        path.unlink()

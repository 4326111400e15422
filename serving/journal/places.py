"""Where the journal of an installation is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estate.core.settings import Settings


def journal_folder(settings: Settings) -> Path:
    """Return the folder of the journal."""
    return settings.home / "serving" / "journal"


def spool_folder(settings: Settings) -> Path:
    """Return where the former version kept what it could not write."""
    return settings.home / "serving" / "spool"

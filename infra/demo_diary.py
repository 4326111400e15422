"""What a home remembers of the demo, so that a second start goes on in the same world."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from estate.core.clock import now

WORLD_DAYS = 250


@dataclass(frozen=True)
class Entry:
    """The first day of the demo's world, and whether the loop was shown to its end."""

    start: date
    finished: bool = False


@dataclass(frozen=True)
class Diary:
    """A small JSON file.

    Parameters
    ----------
    path : Path
    """

    path: Path

    def read(self) -> Entry:
        """Return what is remembered; a new world that ends today if nothing is."""
        if not self.path.is_file():
            return Entry((now() - timedelta(days=WORLD_DAYS)).date())
        raw = json.loads(self.path.read_text())
        return Entry(date.fromisoformat(raw["start"]), bool(raw["finished"]))

    def write(self, entry: Entry) -> None:
        """Remember, all or nothing."""
        spare = self.path.with_suffix(".new")
        spare.write_text(json.dumps({"start": entry.start.isoformat(), "finished": entry.finished}))
        spare.replace(self.path)

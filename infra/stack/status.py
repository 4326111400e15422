"""The state of the stack as the supervisor writes it and the command line reads it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

STATUS_FILE = "status.json"

PartState = Literal[
    "waiting", "starting", "healthy", "unhealthy", "restarting", "done", "failed", "stopping", "stopped"
]
StackState = Literal["starting", "up", "failed", "stopping", "down"]


@dataclass(frozen=True, kw_only=True)
class PartStatus:
    """One part, now.

    Parameters
    ----------
    name, address, log : str
        As in :class:`~infra.stack.part.Part`; ``log`` is a path, empty for a part that runs elsewhere.
    state : str
        ``done`` is a step that has run; ``unhealthy`` lives and does not answer.
    pid : int or None
        Its process, if it lives.
    since : str
        Time of the last change of state, ISO 8601 in UTC.
    seconds : float
        What it took to become ready, the last time.
    restarts : int
        How often it died and was started again since the stack is up.
    last_exit : str
        How it died the last time, empty if it never did.
    """

    name: str
    address: str = ""
    log: str = ""
    state: PartState = "waiting"
    pid: int | None = None
    since: str = ""
    seconds: float = 0.0
    restarts: int = 0
    last_exit: str = ""

    @property
    def good(self) -> bool:
        """Whether there is nothing to worry about."""
        return self.state in {"healthy", "done"}


@dataclass(frozen=True, kw_only=True)
class StackStatus:
    """The whole stack, now."""

    state: StackState
    home: str
    pid: int | None = None
    since: str = ""
    error: str = ""
    failed_part: str = ""
    notes: tuple[str, ...] = ()
    parts: tuple[PartStatus, ...] = field(default=())

    @property
    def good(self) -> bool:
        """Whether it is up and every part is ready."""
        return self.state == "up" and all(part.good for part in self.parts)

    def part(self, name: str) -> PartStatus:
        """Return the part of that name."""
        return next(part for part in self.parts if part.name == name)


def write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


def write_status(status: StackStatus) -> None:
    """Replace ``<home>/status.json``."""
    write_private(Path(status.home) / STATUS_FILE, json.dumps(asdict(status), indent=1))


def read_written_status(home: Path) -> StackStatus | None:
    """Return what was last written, which may be by a supervisor that is no more; None if nothing was."""
    try:
        found = json.loads((home / STATUS_FILE).read_text())
    except FileNotFoundError:
        return None
    parts = tuple(PartStatus(**part) for part in found.pop("parts"))
    return StackStatus(**{**found, "notes": tuple(found["notes"]), "parts": parts})

"""What the processes of one serving installation share: a folder with their counts and rate limits.

The parent names it in the environment of every process that it starts. A process of its own has none: all
is in its memory.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The name is prometheus_client's own; it looks for it when it is imported."""
_PROCESS = "LEADLOOP_SERVING_PROCESS"


@dataclass(frozen=True)
class SharedFolder:
    """The folder, as the parent sees it.

    Parameters
    ----------
    path : Path
        On a local disk, of one parent: its processes' files are mapped into memory.
    """

    path: Path

    def prepare(self) -> None:
        """Make it, empty: counts start from zero with the parent."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(mode=0o700, parents=True)

    def environment(self, process: str) -> Mapping[str, str]:
        """Return what a process must find in its environment.

        Parameters
        ----------
        process : str
            Its name, such as ``worker-0``, without ``_``. No two living processes may have the same; one that
            takes a dead one's place takes its name, and counts on from there.
        """
        return {_FOLDER: str(self.path.absolute()), _PROCESS: process}

    def ended(self, process: str) -> None:
        """Forget how a process stood that has ended; what it counted stays."""
        mark_process_dead(process, str(self.path))  # type: ignore[no-untyped-call]


def shared_folder() -> Path | None:
    """Return the folder that this process shares with others; None for a process of its own."""
    path = os.environ.get(_FOLDER)
    return Path(path) if path else None


def process_name() -> str:
    """Return this process's name among those that share the folder."""
    return os.environ.get(_PROCESS) or f"process-{os.getpid()}"

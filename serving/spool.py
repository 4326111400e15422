"""Batches of predictions on disk while Postgres is away.

One file a batch, complete before it has its name: a process killed while writing leaves nothing half read.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from time import time_ns

import msgspec

from estate.core.prediction import Prediction

_decoder = msgspec.json.Decoder(Prediction)


class Spool:
    """A folder of batches, oldest first.

    Parameters
    ----------
    folder : Path
        Made at the first batch.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, predictions: Sequence[Prediction]) -> Path:
        """Put a batch on disk; it is there to stay when this returns."""
        return self._write(self.folder, predictions)

    def put_aside(self, predictions: Sequence[Prediction]) -> Path:
        """Keep predictions that the database refuses, for a person to look at."""
        return self._write(self.folder / "refused", predictions)

    def files(self) -> list[Path]:
        """Return the waiting batches, oldest first."""
        return sorted(self.folder.glob("*.jsonl"))

    def read(self, path: Path) -> list[Prediction]:
        """Read a batch.

        Raises
        ------
        OSError
            If another process took it meanwhile.
        msgspec.MsgspecError
            If it is no batch.
        """
        return [_decoder.decode(line) for line in path.read_bytes().splitlines()]

    def remove(self, path: Path) -> None:
        """Take a batch off the disk after it was kept elsewhere."""
        path.unlink(missing_ok=True)

    def _write(self, folder: Path, predictions: Sequence[Prediction]) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{time_ns():020d}-{uuid.uuid4().hex[:8]}.jsonl"
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            file.write(b"\n".join(msgspec.json.encode(row) for row in predictions))
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
        _sync_folder(folder)
        return path


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

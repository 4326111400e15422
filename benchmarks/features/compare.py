"""Who computes features is run in a process of its own, and what was written is compared."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from estate.core.errors import StackError

if TYPE_CHECKING:
    import pandas as pd

PEERS = Path(__file__).parent / "peers"
_SECONDS = 900


def ran(who: str, command: Sequence[str], variables: Mapping[str, str] | None = None) -> dict[str, float]:
    """Run a command and return the numbers of its last line.

    Raises
    ------
    StackError
        If it fails; with its last words.
    """
    environment = {**os.environ, **(variables or {})}
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS
    )
    if ended.returncode:
        raise StackError(who, expected="features", got=(ended.stderr.strip() or "nothing").splitlines()[-1])
    found: dict[str, float] = json.loads(ended.stdout.strip().splitlines()[-1])
    return found


def table(path: Path) -> pd.DataFrame:
    """Return what was written, by lead."""
    import pyarrow.parquet as pq

    found: pd.DataFrame = pq.read_table(path).to_pandas().set_index("lead_id").sort_index()
    return found


def count_differing(ours: pd.DataFrame, theirs: pd.DataFrame) -> int:
    """Count values that differ by more than one in a thousand million, or are missing on one side alone."""
    if set(ours) != set(theirs) or not ours.index.equals(theirs.index):
        raise StackError("features", expected=f"{len(ours.columns)} columns of the same leads", got="others")
    left, right = ours.to_numpy(np.float64), theirs[list(ours)].to_numpy(np.float64)
    return int((~np.isclose(left, right, rtol=1e-9, atol=1e-9, equal_nan=True)).sum())

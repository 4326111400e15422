"""The calls in order of time, cut into a first part and the weeks after it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from estate.core.errors import ContractError
from estate.features.events import DAY_US
from estate.training.data import TrainingData

MODEL = "call_conversion"
FILE = Path("bank_marketing", "bank-additional-full.csv.gz")
FIRST_SHARE = 0.2
"""Share of the calls that the first version learns from; the rest is replayed."""
STEP_DAYS = 7
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Step:
    """A moment at which the platform may act, and the calls until the next one.

    Parameters
    ----------
    moment : datetime
        Every call before row ``start`` is over, with its outcome known.
    start, stop : int
        Row numbers of the calls that are answered next.
    """

    moment: datetime
    start: int
    stop: int


@dataclass(frozen=True)
class Calls:
    """All calls, features and outcomes; ``first`` rows are there before the replay begins."""

    data: TrainingData
    first: int

    @property
    def begin(self) -> datetime:
        """The moment after the last call of the first part."""
        return moment_of(int(self.data.times[self.first - 1]))

    def steps(self) -> Iterator[Step]:
        """Give one step a week, those without a new call left out."""
        times: NDArray[np.int64] = self.data.times
        at, start = int(times[self.first - 1]), self.first
        while start < len(times):
            stop = int(np.searchsorted(times, at + STEP_DAYS * DAY_US, side="right"))
            if stop > start:
                yield Step(moment_of(at), start, stop)
            at, start = at + STEP_DAYS * DAY_US, stop


def moment_of(microseconds: int) -> datetime:
    """Return a time of the data as a moment.

    A call at exactly this time is known then; the platform reads "at or before".
    """
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def calls_file() -> Path:
    """Return the path of the bank-marketing file.

    Raises
    ------
    ContractError
        If it is not there.
    """
    folder = Path(os.environ.get("LEADLOOP_PUBLIC_DATA", _ROOT.parent / "shared" / "data"))
    path = (folder / FILE).resolve()
    if not path.is_file():
        raise ContractError(
            f"data file {path}",
            expected="the bank-marketing file (UCI 222, bank-additional-full)",
            got="none",
            todo="Set LEADLOOP_PUBLIC_DATA to the folder that holds bank_marketing/.",
        )
    return path


def read_calls() -> Calls:
    """Read all calls as a training long after the last one would; LEADLOOP_CALLS_FILE names the file."""
    from estate.catalog import load_catalog
    from estate.core.settings import load_settings
    from estate.training.extract import extract

    spec = load_catalog(load_settings()).get(MODEL)
    data = extract(spec, None, as_of=datetime(2100, 1, 1, tzinfo=UTC))
    return Calls(data, round(len(data) * FIRST_SHARE))

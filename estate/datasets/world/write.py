"""From a world into the database, on the same way as a customer's files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from estate.datasets.importer import import_file
from estate.datasets.report import ImportReport, Progress
from estate.datasets.world.simulate import simulate
from estate.datasets.world.world import World

if TYPE_CHECKING:
    from estate.store.database import Database


@dataclass(frozen=True)
class Written:
    """What a simulation brought.

    Parameters
    ----------
    reports : tuple of ImportReport
        One for each kind of fact.
    truth : Path
        Parquet file with the true probabilities; nothing reads it but measurements.
    """

    reports: tuple[ImportReport, ...]
    truth: Path

    @property
    def rows_new(self) -> int:
        """Facts that were not there before."""
        return sum(report.rows_new for report in self.reports)


def simulate_into(  # noqa: PLR0913  two have no default
    database: Database,
    world: World,
    *,
    home: Path,
    from_day: int = 0,
    to_day: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Written:
    """Simulate a span of days, write it to Parquet files, and import them.

    Parameters
    ----------
    database : Database
    world : World
    home : Path
        The files go to ``<home>/world/``.
    from_day, to_day : int
        As in :func:`~.simulate.simulate`.
    progress : callable, optional
        Told how far the import of each file has come.

    Raises
    ------
    LeadloopError
        If the span is wrong or the database can't be reached.
    """
    end = world.days if to_day is None else to_day
    made = simulate(world, from_day=from_day, to_day=end)
    folder = home / "world"
    folder.mkdir(parents=True, exist_ok=True)
    span = f"w{world.seed}-{from_day:04d}-{end:04d}"
    reports = []
    for kind, table in made.facts.items():
        path = folder / f"{span}-{kind}.parquet"
        table.to_parquet(path, index=False)
        reports.append(import_file(database, kind, path, home=home, progress=progress))
    truth = folder / f"{span}-truth.parquet"
    made.truth.to_parquet(truth, index=False)
    return Written(tuple(reports), truth)

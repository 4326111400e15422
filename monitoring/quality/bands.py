"""Whether bands keep their word: what each promised, beside what came true of its leads, month by month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from estate.bundles.bands import Bands
from estate.bundles.rate import Rate
from estate.core.errors import DataError
from estate.core.model_spec import ModelSpec, PairSource
from estate.store.database import Database
from estate.training.rates import rate_of
from monitoring.quality.answered import Answered, read_answered

LEAST_ANSWERS = 30
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class BandMonth:
    """One band in one month.

    Parameters
    ----------
    month : str
        In which the leads were first answered, such as ``"2026-03"``.
    band : str
    promised : Rate
        Measured when the version was judged.
    came_true : Rate
        Of the leads whose horizon is over.
    waiting : int
        Leads whose horizon is not.
    """

    month: str
    band: str
    promised: Rate
    came_true: Rate
    waiting: int

    @property
    def verdict(self) -> Literal["kept", "off", "too few"]:
        """``off`` where the two intervals have nothing in common."""
        if self.came_true.rows < LEAST_ANSWERS:
            return "too few"
        apart = self.came_true.low > self.promised.high or self.came_true.high < self.promised.low
        return "off" if apart else "kept"


def check_bands(
    spec: ModelSpec, database: Database, version: str, bands: Bands, *, now: datetime
) -> list[BandMonth]:
    """Compare the bands of a version with what came true of its first answers, oldest month first.

    Parameters
    ----------
    spec : ModelSpec
        A binary model.
    database : Database
    version : str
    bands : Bands
        Of the version, measured.
    now : datetime
        Outcomes that had happened and were known then count.

    Raises
    ------
    DataError
        If the model is one of homes that are shown.
    StoreError, ContractError
        If the database or the spec's source can't be read.
    """
    if isinstance(spec.source, PairSource):  # within a band, homes that were shown have the higher scores
        raise DataError(
            f"bands of model `{spec.name}`",
            expected="a model that is asked about all its cases",
            got="one whose answers are kept of homes that were shown, chosen by their scores",
            todo=f"Ask `leadloop quality {spec.name}`: it compares each score with what came of it.",
        )
    answered = read_answered(spec, database, version, since=BEGINNING, now=now)
    return list(_months(answered, bands, level=spec.interval))


def _months(answered: Answered, bands: Bands, *, level: float) -> Iterator[BandMonth]:
    months = answered.at.astype("datetime64[us]").astype("datetime64[M]")
    codes, ripe = bands.codes(answered.score), answered.ripe
    for month in np.unique(months):
        for code, (name, promised) in enumerate(zip(bands.names, bands.measured, strict=True)):
            here = (months == month) & (codes == code)
            known = here & ripe
            came_true = rate_of(float(answered.y[known].sum()), int(known.sum()), level)
            yield BandMonth(str(month), name, promised, came_true, int((here & ~ripe).sum()))

"""Bands that keep their word, bands that do not, and months of too few leads to tell."""

from __future__ import annotations

import numpy as np
import pytest

from estate.bundles.bands import Bands
from estate.core.errors import DataError
from estate.services.property_matching.model import CHOICE
from estate.store.database import Database
from estate.training.rates import rate_of
from monitoring.quality.bands import _months, check_bands
from tests.monitoring.quality.worlds import NOON, answered, labels, scores

EDGES = (0.1, 0.3)


def bands_of_a_gate(rows: int = 4_000) -> Bands:
    p = scores(rows, 7)
    y, at = labels(p, 7), np.searchsorted(EDGES, p, side="right")
    return Bands(EDGES, tuple(rate_of(y[at == i].sum(), int((at == i).sum()), 0.9) for i in range(3)))


def verdicts(up: float = 0.0, rows: int = 3_000) -> dict[str, str]:
    p = scores(rows, 1)
    found = list(_months(answered(p, labels(p, 1, up=up)), bands_of_a_gate(), level=0.9))
    assert {one.month for one in found} == {"2026-05", "2026-06"}  # 28 days up to 1 June
    return {one.band: one.verdict for one in found if one.month == "2026-05"}


def test_in_the_same_world_bands_keep_their_word() -> None:
    assert verdicts() == {"low": "kept", "medium": "kept", "high": "kept"}


def test_where_twice_as_many_convert_bands_are_off() -> None:
    assert verdicts(up=1.0) == {"low": "off", "medium": "off", "high": "off"}


def test_few_leads_are_said_to_be_too_few() -> None:
    assert verdicts(rows=60)["high"] == "too few"


def test_leads_whose_horizon_is_not_over_only_wait() -> None:
    p = scores(2_000, 1)
    y = np.where(np.arange(2_000) % 2, labels(p, 1), np.nan)
    found = [one for one in _months(answered(p, y), bands_of_a_gate(), level=0.9) if one.month == "2026-05"]
    ripe, waiting = sum(one.came_true.rows for one in found), sum(one.waiting for one in found)
    assert ripe == pytest.approx(waiting, abs=1)
    assert sum(one.came_true.positives for one in found) <= np.nansum(y)


def test_bands_of_homes_that_were_shown_are_not_compared(database: Database) -> None:
    with pytest.raises(
        DataError, match="bands of model `home_choice`: expected a model that is asked about all"
    ):
        check_bands(CHOICE, database, "1", bands_of_a_gate(), now=NOON)

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

import pytest

from estate.core.errors import SettingsError
from serving.guard.api_key import ID, LENGTH, KeyTerms, Role, make_key


def test_what_is_kept_of_a_key_does_not_hold_its_secret() -> None:
    kept, presented = make_key(KeyTerms(name="crm", role=Role.SCORE), 1)
    assert re.fullmatch(r"ll_[0-9a-f]{12}_[0-9a-f]{64}", presented)
    assert len(presented) == LENGTH
    assert presented[ID] == kept.id
    assert presented.rsplit("_", 1)[1] not in repr(kept)
    assert kept.digest == hashlib.sha256(presented.encode()).hexdigest()


def test_no_two_keys_are_alike() -> None:
    made = [make_key(KeyTerms(name="crm", role=Role.SCORE), 1) for _ in range(100)]
    assert len({presented for _, presented in made}) == len({kept.id for kept, _ in made}) == 100


@pytest.mark.parametrize("name", ["", "Desk", "a b", "-a", "a" * 41, "a\n", "ä"])
def test_a_name_is_fit_for_a_log_line(name: str) -> None:
    with pytest.raises(SettingsError, match="name of an API key: expected 1 to 40"):
        KeyTerms(name=name, role=Role.SCORE)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("inf"), float("nan")])
def test_a_rate_is_a_number_above_0(rate: float) -> None:
    with pytest.raises(SettingsError, match="rate of an API key: expected more than 0"):
        KeyTerms(name="crm", role=Role.SCORE, rate=rate)


def test_a_burst_needs_a_rate() -> None:
    with pytest.raises(SettingsError, match="burst of an API key: expected a rate"):
        KeyTerms(name="crm", role=Role.SCORE, burst=5)


def test_a_key_can_not_be_made_expired() -> None:
    with pytest.raises(SettingsError, match="end of an API key: expected a time to come"):
        KeyTerms(name="crm", role=Role.SCORE, expires=datetime(2020, 1, 1, tzinfo=UTC))

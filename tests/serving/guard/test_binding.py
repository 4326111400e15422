from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from estate.core.errors import SettingsError
from serving.guard.api_key import KeyTerms, Role
from serving.guard.binding import require_keys
from serving.guard.key_file import KeyFile

ROOT = Path(__file__).parents[3]
ELSEWHERE = ["0.0.0.0", "::", "10.1.2.3", "desk.example.com", "", "2130706433"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_loopback_needs_no_key(host: str, tmp_path: Path) -> None:
    require_keys(host, KeyFile(tmp_path / "keys.json"))


@pytest.mark.parametrize("host", ELSEWHERE)
def test_elsewhere_needs_one(host: str, tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    with pytest.raises(SettingsError, match=r"expected an API key, since others reach it.*api-keys create"):
        require_keys(host, keys)
    keys.create(KeyTerms(name="crm", role=Role.SCORE))
    require_keys(host, keys)


def test_a_revoked_key_is_none(tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "keys.json")
    keys.create(KeyTerms(name="crm", role=Role.SCORE, expires=datetime(2999, 1, 1, tzinfo=UTC)))
    keys.revoke("crm")
    with pytest.raises(SettingsError, match="no valid one"):
        require_keys("0.0.0.0", keys)


def test_a_damaged_file_is_not_taken_for_none(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    with pytest.raises(SettingsError, match="expected a readable file"):
        require_keys("127.0.0.1", KeyFile(tmp_path / "keys.json"))


@pytest.mark.parametrize(
    "module", [["serving", "--host", "0.0.0.0", "--port", "0"], ["infra.cli.main", "up"]]
)
def test_programs_refuse_it_in_one_sentence(module: list[str], tmp_path: Path) -> None:
    environment = {**os.environ, "LEADLOOP_HOME": str(tmp_path), "LEADLOOP_HOST": "0.0.0.0"}
    ran = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 1
    assert "address 0.0.0.0 of serving: expected an API key" in ran.stderr
    assert ran.stderr.count("\n") == 1

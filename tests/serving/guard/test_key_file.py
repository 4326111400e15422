from __future__ import annotations

import os
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from estate.core.errors import SettingsError
from serving.guard.api_key import KeyTerms, Role
from serving.guard.key_file import KeyFile


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "serving" / "api_keys.json")


def terms(name: str = "crm") -> KeyTerms:
    return KeyTerms(name=name, role=Role.SCORE)


def test_no_file_is_no_keys(keys: KeyFile) -> None:
    assert keys.read() == ()


def test_only_its_owner_can_read_the_file_and_it_holds_no_secret(keys: KeyFile) -> None:
    _, presented = keys.create(terms())
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600
    assert presented.rsplit("_", 1)[1] not in keys.path.read_text()


def test_a_mask_that_is_too_generous_changes_nothing(keys: KeyFile) -> None:
    before = os.umask(0)
    try:
        keys.create(terms())
    finally:
        os.umask(before)
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600


def test_a_name_in_use_is_refused_until_its_key_is_revoked(keys: KeyFile) -> None:
    keys.create(terms())
    with pytest.raises(SettingsError, match="API key `crm`: expected a new name"):
        keys.create(terms())
    keys.revoke("crm")
    again, _ = keys.create(terms())
    assert [key.revoked is None for key in keys.read()] == [False, True]
    assert again.number == 2


def test_revoking_an_unknown_name_says_which_there_are(keys: KeyFile) -> None:
    keys.create(terms())
    with pytest.raises(SettingsError, match=r"API key `desk`: expected one in use \(crm\)"):
        keys.revoke("desk")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": [{}]}', '{"keys": [{"id": "hunter2"}]}'])
def test_a_damaged_file_is_an_error_that_does_not_quote_it(keys: KeyFile, content: str) -> None:
    keys.create(terms())
    keys.path.write_text(content)
    with pytest.raises(SettingsError, match=r"expected a readable file") as error:
        keys.read()
    assert "hunter2" not in str(error.value)


def test_what_a_killed_command_left_behind_is_no_hindrance(keys: KeyFile) -> None:
    keys.create(terms("one"))
    keys.path.with_suffix(".new").write_text("half")
    keys.create(terms("two"))
    assert [key.name for key in keys.read()] == ["one", "two"]


def _create(path: Path, name: str) -> None:
    KeyFile(path).create(terms(name))


def test_commands_at_the_same_time_lose_no_key(keys: KeyFile) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        names = [f"key-{number}" for number in range(24)]
        list(pool.map(_create, [keys.path] * 24, names))
    kept = keys.read()
    assert sorted(key.name for key in kept) == sorted(names)
    assert sorted(key.number for key in kept) == list(range(1, 25))

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from estate.core.clock import now
from estate.core.errors import LeadloopError
from infra.cli.main import app
from serving.guard.api_key import Role
from serving.guard.key_file import KeyFile


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyFile:
    monkeypatch.setenv("LEADLOOP_HOME", str(tmp_path))
    return KeyFile(tmp_path / "serving" / "api_keys.json")


def api_keys(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["api-keys", *arguments])


def test_a_key_is_printed_once_and_never_listed(keys: KeyFile) -> None:
    made = api_keys("create", "--name", "crm", "--role", "score", "--rate", "100/s", "--burst", "500")
    assert made.exit_code == 0, made.output
    presented = made.stdout.strip()
    assert presented.startswith("ll_")
    for listed in (api_keys("list"), api_keys("list", "--json")):
        assert "crm" in listed.stdout
        assert presented.rsplit("_", 1)[1] not in listed.stdout
        assert keys.read()[0].digest not in listed.stdout
    kept = keys.read()[0]
    assert (kept.role, kept.rate, kept.burst, kept.expires) == (Role.SCORE, 100.0, 500.0, None)


def test_a_listing_says_what_a_key_may(keys: KeyFile) -> None:
    api_keys("create", "--name", "crm", "--role", "score", "--rate", "100/s")
    api_keys("create", "--name", "desk", "--role", "feedback")
    api_keys("create", "--name", "ops", "--role", "admin")
    api_keys("revoke", "ops")
    rows = json.loads(api_keys("list", "--json").stdout)["keys"]
    assert [(row["name"], row["role"], row["state"], row["rate"], row["burst"]) for row in rows] == [
        ("crm", "score", "valid", 100.0, 100.0),
        ("desk", "feedback", "valid", None, None),
        ("ops", "admin", "revoked", None, None),
    ]


@pytest.mark.parametrize(("said", "hours"), [("90d", 90 * 24), ("12h", 12), ("1.5d", 36)])
def test_a_key_may_end_after_a_span(keys: KeyFile, said: str, hours: float) -> None:
    assert api_keys("create", "--name", "crm", "--role", "score", "--expires", said).exit_code == 0
    expires = keys.read()[0].expires
    assert expires is not None
    assert abs(expires - now() - timedelta(hours=hours)) < timedelta(minutes=1)


def test_a_key_may_end_at_a_time(keys: KeyFile) -> None:
    api_keys("create", "--name", "crm", "--role", "score", "--expires", "2999-01-02T03:04")
    assert str(keys.read()[0].expires) == "2999-01-02 03:04:00+00:00"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rate", "fast"], r"rate of an API key: expected rows a second, such as 100/s, got 'fast'"),
        (["--rate", "10/m"], r"rate of an API key: expected rows a second, such as 100/s, got '10/m'"),
        (["--rate", "-1"], r"rate of an API key: expected more than 0"),
        (["--expires", "xd"], r"end of an API key: expected a time, or a span such as 90d or 12h"),
        (["--expires", "teatime"], r"time `teatime`"),
        (["--expires", "2020-01-01"], r"end of an API key: expected a time to come"),
        (["--burst", "5"], r"burst of an API key: expected a rate with it"),
    ],
)
def test_wrong_terms_are_one_sentence_and_make_no_key(keys: KeyFile, arguments: list[str], said: str) -> None:
    ran = api_keys("create", "--name", "crm", "--role", "score", *arguments)
    assert isinstance(ran.exception, LeadloopError)
    with pytest.raises(LeadloopError, match=said):
        raise ran.exception
    assert keys.read() == ()


def test_an_unknown_role_is_wrong_usage(keys: KeyFile) -> None:
    assert api_keys("create", "--name", "crm", "--role", "king").exit_code == 2

from __future__ import annotations

import hmac
from datetime import timedelta
from pathlib import Path

import pytest

from estate.core.clock import now
from serving.guard import guard as module
from serving.guard.api_key import LENGTH, KeyTerms, Role
from serving.guard.guard import Admission, Guard, Refusal
from serving.guard.key_file import KeyFile
from serving.guard.rates import Rates
from tests.serving.shop import wait_for


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "api_keys.json")


def guarded(keys: KeyFile, **options: object) -> Guard:
    return Guard(keys, Rates(clock=lambda: 100.0), **options)  # type: ignore[arg-type]


def make(keys: KeyFile, name: str = "crm", role: Role = Role.SCORE, **terms: object) -> bytes:
    made = KeyTerms(name=name, role=role, **terms)  # type: ignore[arg-type]
    return keys.create(made)[1].encode()


def refusal(guard: Guard, presented: bytes | None, role: Role = Role.SCORE, rows: int = 1) -> Refusal:
    with pytest.raises(Refusal) as raised:
        guard.admit(presented, role, rows)
    return raised.value


def test_without_any_key_everybody_may_ask(keys: KeyFile) -> None:
    guard = guarded(keys)
    assert guard.open
    assert guard.admit(None, Role.ADMIN) == Admission()
    assert guard.admit(b"anything") == Admission()


def test_without_any_key_nobody_may_where_others_could_reach_it(keys: KeyFile) -> None:
    guard = guarded(keys, must=True)
    assert not guard.open
    assert refusal(guard, None).status == refusal(guard, b"x" * LENGTH).status == 401


def test_a_key_lets_its_owner_in_by_name(keys: KeyFile) -> None:
    presented = make(keys)
    assert guarded(keys).admit(presented).name == "crm"


def test_the_role_counts(keys: KeyFile) -> None:
    score, admin = make(keys), make(keys, "ops", Role.ADMIN)
    guard = guarded(keys)
    assert guard.admit(admin, Role.SCORE).name == guard.admit(admin, Role.ADMIN).name == "ops"
    problem = refusal(guard, score, Role.ADMIN)
    assert problem.status == 403
    assert str(problem) == "API key: expected one of role admin, got role score."


def test_what_a_role_may_each_higher_one_may() -> None:
    assert [[held.value for held in asked.enough] for asked in Role] == [
        ["score", "feedback", "admin"],
        ["feedback", "admin"],
        ["admin"],
    ]


def test_a_key_of_feedback_may_not_all(keys: KeyFile) -> None:
    score, feedback = make(keys), make(keys, "desk", Role.FEEDBACK)
    guard = guarded(keys)
    assert guard.admit(feedback, Role.SCORE).name == guard.admit(feedback, Role.FEEDBACK).name == "desk"
    said = "API key: expected one of role feedback or admin, got role score."
    assert str(refusal(guard, score, Role.FEEDBACK)) == said
    assert refusal(guard, feedback, Role.ADMIN).status == 403


def test_hostile_keys_are_wrong_keys(keys: KeyFile) -> None:
    right = make(keys)
    hostile = [
        b"",
        b"ll_",
        right[:-1],
        right + b"0",
        right[:-1] + (b"0" if right[-1:] != b"0" else b"1"),
        right.upper(),
        right[:16] + b"0" * 64,
        b"ll_" + b"0" * 12 + right[15:],
        b"\xff" * LENGTH,
        "ключ".encode() * 10,
        b"\0" * LENGTH,
        b"a" * 1_000_000,
        b" " + right,
        right + b"\n",
    ]
    guard = guarded(keys)
    for presented in hostile:
        problem = refusal(guard, presented)
        assert (problem.status, problem.headers["www-authenticate"]) == (401, "Bearer")
        assert presented.decode("latin-1") not in str(problem) or len(presented) < 4


def test_every_key_is_compared_in_constant_time(keys: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    right = make(keys)
    compared: list[tuple[int, int]] = []

    class Spy:
        @staticmethod
        def compare_digest(one: bytes, other: bytes) -> bool:
            compared.append((len(one), len(other)))
            return hmac.compare_digest(one, other)

    monkeypatch.setattr(module, "hmac", Spy)
    guard = guarded(keys)
    guard.admit(right)
    for wrong in (
        b"",
        b"\xff" * LENGTH,
        right[:16] + b"0" * 64,
        b"ll_" + b"0" * 12 + right[15:],
        b"a" * 5000,
    ):
        refusal(guard, wrong)
    assert compared == [(32, 32)] * 6


def test_a_revoked_key_stops_within_a_second(keys: KeyFile) -> None:
    presented = make(keys)
    guard = guarded(keys)
    guard.admit(presented)
    keys.revoke("crm")

    def refused() -> bool:
        try:
            guard.admit(presented)
        except Refusal as problem:
            return str(problem).startswith("API key: expected a valid one, got `crm`, which was revoked.")
        return False

    wait_for(refused, seconds=1)


def test_revoking_the_last_key_opens_nothing(keys: KeyFile) -> None:
    make(keys)
    keys.revoke("crm")
    assert refusal(guarded(keys), None).status == 401


def test_a_new_key_counts_within_a_second(keys: KeyFile) -> None:
    guard = guarded(keys)
    assert guard.open
    presented = make(keys)
    wait_for(lambda: not guard.open, seconds=1)
    assert guard.admit(presented).name == "crm"
    assert refusal(guard, None).status == 401


def test_a_key_ends_when_it_was_to_end(keys: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = now() + timedelta(hours=1)
    presented = make(keys, expires=ends)
    guard = guarded(keys)
    guard.admit(presented)
    monkeypatch.setattr(module, "time", ends.timestamp)
    assert "got `crm`, which has expired" in str(refusal(guard, presented))


def test_a_file_that_breaks_leaves_the_keys_in_force(keys: KeyFile, caplog: pytest.LogCaptureFixture) -> None:
    presented = make(keys)
    guard = guarded(keys)
    keys.path.write_text("{")
    wait_for(lambda: guard.admit(presented).name == "crm" and "api_keys_unreadable" in caplog.text, seconds=2)
    assert refusal(guard, None).status == 401


def test_more_than_the_rate_is_told_when_to_come_back(keys: KeyFile) -> None:
    presented = make(keys, rate=10.0, burst=20.0)
    guard = guarded(keys)
    guard.admit(presented, rows=20)
    problem = refusal(guard, presented, rows=15)
    assert (problem.status, problem.headers["retry-after"]) == (429, "2")
    assert "rate of API key `crm`: expected at most 10 rows a second" in str(problem)
    assert refusal(guard, presented, rows=1).headers["retry-after"] == "1"


def test_more_than_could_ever_be_granted_is_told_so(keys: KeyFile) -> None:
    presented = make(keys, rate=10.0, burst=20.0)
    guard = guarded(keys)
    problem = refusal(guard, presented, rows=21)
    assert problem.status == 413
    assert "expected at most 20 rows at once, got 21" in str(problem)
    guard.admit(presented, rows=20)  # the refused one took nothing


def test_a_default_rate_is_each_keys_own(keys: KeyFile) -> None:
    one, two = make(keys, "one"), make(keys, "two")
    guard = guarded(keys, rate=5.0)
    guard.admit(one, rows=5)
    guard.admit(two, rows=5)
    assert refusal(guard, one).status == refusal(guard, two).status == 429


def test_without_keys_the_default_rate_is_of_all_callers(keys: KeyFile) -> None:
    guard = guarded(keys, rate=5.0)
    assert not guard.open
    guard.admit(None, rows=5)
    assert "rate of all callers" in str(refusal(guard, None))


def test_rows_paid_for_are_not_counted_again(keys: KeyFile) -> None:
    presented = make(keys, rate=1.0, burst=10.0)
    guard = guarded(keys)
    admission = guard.admit(presented)
    guard.spend(admission, 10, paid=1)
    assert refusal(guard, presented).status == 429


def test_every_refusal_has_a_reason_to_be_counted_by(keys: KeyFile) -> None:
    presented = make(keys, rate=1.0)
    guard = guarded(keys)
    guard.admit(presented)
    asked = (
        (None, Role.SCORE, 1),
        (b"x", Role.SCORE, 1),
        (presented, Role.ADMIN, 1),
        (presented, Role.SCORE, 1),
        (presented, Role.SCORE, 2),
    )
    reasons = [refusal(guard, given, role, rows).reason for given, role, rows in asked]
    assert reasons == ["no_key", "wrong_key", "role", "rate", "rows"]

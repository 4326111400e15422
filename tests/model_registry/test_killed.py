"""The process dies before or after any write, in MLflow or in Postgres: one row of the ledger, one truth."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from mlflow import MlflowClient

from estate.core.clock import now
from estate.core.rollout import Rollout, RolloutKind, RolloutReport, Side
from estate.store import ledger, registry_views, rollout_reports
from estate.store.database import Database
from model_registry import Registry, promote, reconcile_once, rollback
from tests.model_registry.conftest import MODEL, Registering, Shown, page, shown

CANARY = Rollout(kind=RolloutKind.CANARY, requests=10)
MOST_STEPS = 60
_WRITES = {
    MlflowClient: (
        "set_registered_model_alias",
        "delete_registered_model_alias",
        "transition_model_version_stage",
        "set_model_version_tag",
        "update_model_version",
    ),
    ledger: ("append",),
    registry_views: ("write",),
}


class Killed(BaseException):
    """As SIGKILL: nothing catches it."""


@contextmanager
def killed_at(step: int) -> Iterator[list[str]]:
    """Die at the step-th write, before it if the number is odd, after it if it is even."""
    passed: list[str] = []

    def dying(write: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(write)
        def wrapped(*arguments: object, **named: object) -> object:
            for when in ("before", "after"):
                passed.append(f"{when} {write.__name__}")
                if len(passed) == step:
                    raise Killed(passed[-1])
                if when == "before":
                    done = write(*arguments, **named)
            return done

        return wrapped

    with pytest.MonkeyPatch.context() as patch:
        for owner, names in _WRITES.items():
            for name in names:
                patch.setattr(owner, name, dying(getattr(owner, name)))
        yield passed


def settled(registry: Registry, database: Database) -> list[tuple[str, str]]:
    """Let a new reconciler look until there is nothing left to do; return the whole ledger."""
    for _ in range(5):
        if not reconcile_once(registry, database):
            break
    with database.begin() as connection:
        ledger.verify(connection)
        return [(entry.decision, entry.to_version) for entry in ledger.history(connection, MODEL)]


def aliases(registry: Registry) -> dict[str, str]:
    found = registry.client.get_registered_model(MODEL).aliases
    return {name: str(version) for name, version in found.items()}


def at_every_step(act: Callable[[], object], check: Callable[[], None], reset: Callable[[], object]) -> int:
    """Do it again and again, killed one write later each time; return the number of steps."""
    for step in range(1, 2 * MOST_STEPS):
        with killed_at(step) as passed:
            try:
                act()
            except Killed:
                pass
            else:
                assert len(passed) < step
                return len(passed)
        check()
        reset()
    raise AssertionError("it never came to its end")


@pytest.fixture
def live(registry: Registry, database: Database, made: Registering) -> Registry:
    """Version 1 is in production; 2 has passed its gate, 3 has not."""
    promote(registry, database, MODEL, made("k1"), who="ann", why="first")
    made("k2"), made("k3", evidence=False)
    return registry


@pytest.mark.thorough
@pytest.mark.parametrize("version", ["2", "3"])
def test_a_move_in_the_ui(live: Registry, database: Database, version: str) -> None:
    rows: list[int] = [1]

    def act() -> None:
        reconcile_once(live, database)

    def move() -> None:
        live.client.set_registered_model_alias(MODEL, "production", version)

    def check() -> None:
        found = settled(live, database)
        assert len(found) == rows[0] + 1, found[rows[0] :]
        expected = "2" if version == "2" else "1"
        assert shown(live) == Shown(expected, [expected])
        assert version == "2" or page(live, "3").startswith("## Promotion refused")

    def reset() -> None:
        promote(live, database, MODEL, "1", who="ann", why="again")
        rows[0] = len(settled(live, database))
        move()

    move()
    assert at_every_step(act, check, reset) >= 8


@pytest.mark.thorough
def test_a_rollout_from_its_start_to_its_end(live: Registry, database: Database) -> None:
    rows: list[int] = [1]

    def go() -> None:
        promote(live, database, MODEL, "2", who="ann", why="try", rollout=CANARY)
        _report(database)
        reconcile_once(live, database)

    def check() -> None:
        found = settled(live, database)[rows[0] :]
        if found == []:
            return  # killed before it was written down that somebody asked for it
        with database.begin() as connection:
            opened = ledger.open_rollout(connection, MODEL)
        if opened is not None:
            assert found == [("started", "2")]
            assert aliases(live) == {"production": "1", "canary": "2"}
            _report(database)
            found = settled(live, database)[rows[0] :]
        assert found == [("started", "2"), ("promoted", "2")]
        assert aliases(live) == {"production": "2"}

    def reset() -> None:
        promote(live, database, MODEL, "1", who="ann", why="again")
        rows[0] = len(settled(live, database))

    assert at_every_step(go, check, reset) > 20


@pytest.mark.thorough
def test_a_rollback(live: Registry, database: Database) -> None:
    promote(live, database, MODEL, "2", who="ann", why="better")
    rows: list[int] = [2]

    def act() -> None:
        rollback(live, database, MODEL, who="bob", why="bad")
        reconcile_once(live, database)

    def check() -> None:
        found = settled(live, database)[rows[0] :]
        assert found in ([], [("rolled_back", "1")])
        expected = "1" if found else "2"
        assert shown(live) == Shown(expected, [expected])

    def reset() -> None:
        promote(live, database, MODEL, "2", who="ann", why="again")
        rows[0] = len(settled(live, database))

    assert at_every_step(act, check, reset) > 6


def _report(database: Database) -> None:
    with database.begin() as connection:
        opened = ledger.open_rollout(connection, MODEL)
        assert opened is not None
        report = RolloutReport(
            rollout_seq=opened.seq,
            process="serving",
            state="ready",
            problem=None,
            candidate=Side(rows=10),
            stable=Side(rows=10),
            at=now(),
        )
        rollout_reports.write(connection, report)

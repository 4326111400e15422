"""What people do in the MLflow UI is accepted or put back, and nobody else's work is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from estate.core.errors import RegistryError
from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Entry, Order
from estate.store.locks import advisory_lock
from model_registry import Registry, pointers, promote, reconcile_once, rollback
from model_registry.decision import lock_name
from model_registry.judge import judge
from model_registry.reconcile import UNKNOWN, Memory
from tests.model_registry.conftest import MODEL, Registering, Shown, artifacts, move_stage, page, shown

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def live(registry: Registry, database: Database, made: Registering) -> Registry:
    """Version 1 is in production and settled."""
    promote(registry, database, MODEL, made("k1"), who="ann", why="first")
    return registry


def alias(registry: Registry, version: str) -> None:
    registry.client.set_registered_model_alias(MODEL, "production", version)


def entries(database: Database) -> list[tuple[str, str | None, str]]:
    with database.begin() as connection:
        ledger.verify(connection)
        return [(e.decision, e.from_version, e.to_version) for e in ledger.history(connection, MODEL)]


def test_nothing_moved_decides_nothing(live: Registry, database: Database) -> None:
    memory = Memory()
    assert [reconcile_once(live, database, memory=memory) for _ in range(3)] == [[], [], []]
    assert entries(database) == [("promoted", None, "1")]


def test_first_promotion_in_the_ui_is_accepted(
    registry: Registry, database: Database, made: Registering
) -> None:
    alias(registry, made("k1"))
    (entry,) = reconcile_once(registry, database)
    assert (entry.decision, entry.to_version, entry.who) == ("promoted", "1", UNKNOWN)
    assert entry.why == "The alias `production` was moved to version 1."
    assert shown(registry) == Shown("1", ["1"])
    assert reconcile_once(registry, database) == []


def test_first_promotion_without_evidence_leaves_no_alias(
    registry: Registry, database: Database, made: Registering
) -> None:
    made("k1")
    alias(registry, made("k2", evidence=None))
    (entry,) = reconcile_once(registry, database)
    assert entry.decision == "refused"
    assert shown(registry) == Shown(None, [])
    assert reconcile_once(registry, database) == []


def test_model_of_another_team_is_left_alone(
    registry: Registry, database: Database, made: Registering
) -> None:
    memory = Memory()
    alias(registry, made("k1", evidence=None))
    move_stage(registry, "1", "Production")
    for _ in range(2):
        assert reconcile_once(registry, database, memory=memory) == []
        assert shown(registry) == Shown("1", ["1"])
        assert entries(database) == []


def test_model_is_ours_from_its_first_evidence_on(
    registry: Registry, database: Database, made: Registering
) -> None:
    memory = Memory()
    alias(registry, made("k1", evidence=None))
    assert reconcile_once(registry, database, memory=memory) == []
    made("k2")
    (entry,) = reconcile_once(registry, database, memory=memory)
    assert (entry.decision, entry.to_version) == ("refused", "1")


def test_moved_alias_is_accepted_with_its_stage(
    live: Registry, database: Database, made: Registering
) -> None:
    memory = Memory()
    made("k2")
    reconcile_once(live, database, memory=memory)
    alias(live, "2")
    (entry,) = reconcile_once(live, database, memory=memory)
    assert (entry.decision, entry.from_version, entry.to_version) == ("promoted", "1", "2")
    assert shown(live) == Shown("2", ["2"])
    assert reconcile_once(live, database, memory=memory) == []


@pytest.mark.parametrize("evidence", [None, False])
def test_unproven_version_is_put_back_once_per_attempt(
    live: Registry, database: Database, made: Registering, evidence: bool | None
) -> None:
    version = made("k2", evidence=evidence)
    for attempt in (1, 2):
        alias(live, version)
        (entry,) = reconcile_once(live, database)
        assert entry.decision == "refused"
        assert shown(live) == Shown("1", ["1"])
        assert reconcile_once(live, database) == []
        assert len(entries(database)) == 1 + attempt
    assert page(live, version).startswith("## Promotion refused")
    assert live.client.get_model_version(MODEL, version).tags["decision"] == "refused"


def test_forged_tags_prove_nothing(live: Registry, database: Database, made: Registering) -> None:
    version = made("k2", evidence=None)
    for key, value in {"validation": "passed", "decision": "promoted"}.items():
        live.client.set_model_version_tag(MODEL, version, key, value)
    alias(live, version)
    assert reconcile_once(live, database)[0].decision == "refused"
    assert shown(live) == Shown("1", ["1"])


def test_changed_artifact_is_put_back(live: Registry, database: Database, made: Registering) -> None:
    version = made("k2")
    (artifacts(live, version) / "model.onnx").write_bytes(b"another")
    alias(live, version)
    assert "model.onnx" in reconcile_once(live, database)[0].why
    assert shown(live) == Shown("1", ["1"])


@pytest.mark.parametrize("archive", [True, False])
def test_stage_menu_promotes(live: Registry, database: Database, made: Registering, archive: bool) -> None:
    memory = Memory()
    reconcile_once(live, database, memory=memory)
    move_stage(live, made("k2"), "Production", archive=archive)
    (entry,) = reconcile_once(live, database, memory=memory)
    assert entry.why == "Version 2 was moved to the stage Production."
    assert shown(live) == Shown("2", ["2"])


@pytest.mark.parametrize("archive", [True, False])
def test_stage_menu_without_evidence_is_put_back(
    live: Registry, database: Database, made: Registering, archive: bool
) -> None:
    version = made("k2", evidence=None)
    live.client.set_registered_model_alias(MODEL, "staging", version)
    move_stage(live, version, "Production", archive=archive)
    assert [entry.decision for entry in reconcile_once(live, database)] == ["refused"]
    assert shown(live) == Shown("1", ["1"])
    assert live.client.get_model_version(MODEL, version).current_stage == "Staging"
    assert reconcile_once(live, database) == []


def test_older_version_by_stage_menu_beside_the_present_one(
    live: Registry, database: Database, made: Registering
) -> None:
    promote(live, database, MODEL, made("k2"), who="ann", why="better")
    memory = Memory()
    reconcile_once(live, database, memory=memory)
    time.sleep(0.002)  # MLflow's times of change count milliseconds
    move_stage(live, "1", "Production", archive=False)
    assert [entry.to_version for entry in reconcile_once(live, database, memory=memory)] == ["1"]
    assert shown(live) == Shown("1", ["1"])


def _delete_alias(registry: Registry) -> None:
    registry.client.delete_registered_model_alias(MODEL, "production")


def _archive(registry: Registry) -> None:
    move_stage(registry, "1", "Archived", archive=False)


@pytest.mark.parametrize("damage", [_delete_alias, _archive])
def test_taken_away_by_hand_is_put_back_without_an_entry(
    live: Registry, database: Database, damage: Callable[[Registry], None]
) -> None:
    memory = Memory()
    reconcile_once(live, database, memory=memory)
    time.sleep(0.002)
    damage(live)
    assert reconcile_once(live, database, memory=memory) == []
    assert shown(live) == Shown("1", ["1"])
    assert len(entries(database)) == 1


def test_decision_that_was_not_carried_out_is_finished(
    live: Registry, database: Database, made: Registering
) -> None:
    order = Order(model=MODEL, decision="promoted", to_version=made("k2"), who="ann", why="crashed")
    with database.begin() as connection:
        ledger.append(connection, order)
    assert reconcile_once(live, database) == []
    assert shown(live) == Shown("2", ["2"])
    assert live.client.get_model_version(MODEL, "2").tags["decision_why"] == "crashed"
    assert len(entries(database)) == 2


@pytest.mark.parametrize("evidence", [True, None])
def test_crash_after_the_decision_makes_no_second_one(
    live: Registry,
    database: Database,
    made: Registering,
    monkeypatch: pytest.MonkeyPatch,
    evidence: bool | None,
) -> None:
    alias(live, made("k2", evidence=evidence))
    with monkeypatch.context() as patch:
        patch.setattr("model_registry.reconcile.settle", _crash)
        with pytest.raises(KeyboardInterrupt):
            reconcile_once(live, database)
    assert reconcile_once(live, database) == []
    expected = "2" if evidence else "1"
    assert shown(live) == Shown(expected, [expected])
    assert len(entries(database)) == 2
    if not evidence:
        assert page(live, "2").startswith("## Promotion refused")


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("write", ["move_alias", "move_stage"])
def test_crash_between_alias_and_stage_is_finished(
    live: Registry, database: Database, made: Registering, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    made("k2")
    with monkeypatch.context() as patch:
        patch.setattr(f"model_registry.pointers.{write}", _crash_with)
        with pytest.raises(KeyboardInterrupt):
            promote(live, database, MODEL, "2", who="ann", why="better")
    assert reconcile_once(live, database) == []
    assert shown(live) == Shown("2", ["2"])
    assert entries(database) == [("promoted", None, "1"), ("promoted", "1", "2")]


def _crash_with(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_flipped_twice_quickly_the_last_one_counts(
    live: Registry, database: Database, made: Registering
) -> None:
    alias(live, made("k2"))
    alias(live, made("k3"))
    assert [entry.to_version for entry in reconcile_once(live, database)] == ["3"]
    assert shown(live) == Shown("3", ["3"])


def test_flipped_while_it_is_judged_both_are_decided(
    live: Registry, database: Database, made: Registering, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("k2")
    made("k3")

    def judge_slowly(*arguments: object) -> object:
        alias(live, "3")
        return judge(*arguments)  # type: ignore[arg-type]

    alias(live, "2")
    with monkeypatch.context() as patch:
        patch.setattr("model_registry.decision.judge", judge_slowly)
        assert [entry.to_version for entry in reconcile_once(live, database)] == ["2", "3"]
    assert shown(live) == Shown("3", ["3"])


def test_move_in_the_ui_comes_before_a_later_command(
    live: Registry, database: Database, made: Registering
) -> None:
    alias(live, made("k2"))
    promote(live, database, MODEL, made("k3"), who="ann", why="even better")
    assert [to for _, _, to in entries(database)] == ["1", "2", "3"]
    rollback(live, database, MODEL, who="ann", why="worse")
    assert reconcile_once(live, database) == []
    assert shown(live) == Shown("2", ["2"])


def test_model_that_is_being_promoted_is_left_alone(
    live: Registry, database: Database, made: Registering
) -> None:
    alias(live, made("k2"))
    memory = Memory()
    with advisory_lock(database, lock_name(MODEL)):
        assert reconcile_once(live, database, memory=memory) == []
    assert [entry.to_version for entry in reconcile_once(live, database, memory=memory)] == ["2"]


def test_trouble_with_one_model_does_not_stop_the_others(
    live: Registry, database: Database, made: Registering, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = pointers.look

    def look_at(registry: Registry, model: str) -> object:
        if model == "aaa":
            raise MlflowException("gone astray")
        return look(registry, model)

    monkeypatch.setattr(pointers, "look", look_at)
    live.client.create_registered_model("aaa")
    with database.begin() as connection:
        ledger.append(connection, Order(model="aaa", decision="promoted", to_version="7", who="x", why="y"))
    alias(live, made("k2"))
    with pytest.raises(RegistryError, match="reconciliation of `aaa`"):
        reconcile_once(live, database)
    assert shown(live) == Shown("2", ["2"])


def _start(registry: Registry, database: Database, log: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LEADLOOP_MLFLOW_URL": registry.uri,
        "LEADLOOP_DATABASE_URL": database.url,
        "LEADLOOP_SIGNING_KEYS": str(registry.keys.signing.parent) if registry.keys else "",
    }
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "model_registry.reconciler"], stderr=file, env=environment
        )


def _wait(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.thorough
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_of_two_reconcilers_one_acts_and_the_other_takes_over(
    live: Registry, database: Database, made: Registering, tmp_path: Path, how: signal.Signals
) -> None:
    logs = [tmp_path / "a.log", tmp_path / "b.log"]
    processes = [_start(live, database, log) for log in logs]
    try:
        _wait(lambda: any(b"reconciling" in log.read_bytes() for log in logs))
        alias(live, made("k2"))
        _wait(lambda: shown(live) == Shown("2", ["2"]))
        assert len(entries(database)) == 2
        leader = next(i for i, log in enumerate(logs) if b"reconciling" in log.read_bytes())
        processes[leader].send_signal(how)
        assert processes[leader].wait(10) == (0 if how is signal.SIGTERM else -how)
        _wait(lambda: b"reconciling" in logs[1 - leader].read_bytes())
        alias(live, made("k3", evidence=None))
        _wait(lambda: shown(live) == Shown("2", ["2"]))
        assert len(entries(database)) == 3
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_reconciler_without_mlflow_says_so_once(database: Database, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = _start(Registry("http://127.0.0.1:9"), database, log)
    try:
        _wait(lambda: b"127.0.0.1:9" in log.read_bytes() and b"Is it running" in log.read_bytes())
        time.sleep(3)
        assert log.read_bytes().count(b"Is it running") == 1
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_the_entry_of_a_decision_is_what_the_ledger_holds(live: Registry, database: Database) -> None:
    with database.begin() as connection:
        entry = ledger.current_all(connection)[MODEL]
    assert isinstance(entry, Entry)
    assert entry.to_version == "1"

"""Rollback and abort ask Postgres alone, and are carried out by the reconciler later."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from estate.core.errors import PromotionRefused, RegistryError
from estate.core.rollout import Rollout, RolloutKind
from estate.signing import KeyRing
from estate.store import ledger
from estate.store.database import Database
from estate.store.locks import advisory_lock
from model_registry import Registry, abort_rollout, present_standing, promote, reconcile_once, rollback
from model_registry.decision import lock_name
from tests.model_registry.conftest import MODEL, Registering, Shown, page, shown

ROOT = Path(__file__).parents[2]
CANARY = Rollout(kind=RolloutKind.CANARY)


@pytest.fixture
def live(registry: Registry, database: Database, made: Registering) -> Registry:
    """Versions 1 and 2 were promoted one after the other."""
    for key in ("k1", "k2"):
        promote(registry, database, MODEL, made(key), who="ann", why="better")
    return registry


def decisions(database: Database) -> list[tuple[str, str]]:
    with database.begin() as connection:
        ledger.verify(connection)
        return [(entry.decision, entry.to_version) for entry in ledger.history(connection, MODEL)]


def test_it_needs_no_mlflow_and_waits_for_no_promotion(live: Registry, database: Database) -> None:
    away = replace(live, uri="http://127.0.0.1:9")
    with advisory_lock(database, lock_name(MODEL)):  # somebody's version is being judged
        entry = rollback(away, database, MODEL, who="bob", why="wrong scores")
    assert (entry.decision, entry.from_version, entry.to_version) == ("rolled_back", "2", "1")
    assert shown(live) == Shown("2", ["2"]), "nobody has told MLflow yet"
    assert reconcile_once(live, database) == [], "our own unfinished work is nobody's request"
    assert shown(live) == Shown("1", ["1"])
    assert live.client.get_model_version(MODEL, "1").tags["decision_why"] == "wrong scores"


def test_the_command_never_imports_mlflow_and_works_while_it_is_down(
    live: Registry, database: Database
) -> None:
    assert live.keys is not None
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LEADLOOP_")},
        "LEADLOOP_DATABASE_URL": database.url,
        "LEADLOOP_MLFLOW_URL": "http://127.0.0.1:9",
        "LEADLOOP_SIGNING_KEYS": str(live.keys.signing.parent),
        "LEADLOOP_USER": "bob",
        "MLFLOW_TRACKING_USERNAME": "bob",
        "MLFLOW_TRACKING_PASSWORD": "nobody answers",
        "PYTHONPATH": str(ROOT),
    }
    command = [
        sys.executable,
        "-X",
        "importtime",
        "-m",
        "infra.cli.main",
        "rollback",
        MODEL,
        "--reason",
        "bad",
    ]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "version 1 is in production (before: version 2)" in ran.stdout
    assert "by bob (command line)" in ran.stdout
    imported = {
        line.rpartition("|")[2].strip() for line in ran.stderr.splitlines() if line.startswith("import time")
    }
    assert "model_registry.undo" in imported
    assert imported.isdisjoint({"mlflow", "pandas", "prefect", "sklearn", "onnxruntime"})


def test_a_version_whose_signature_is_not_trusted_any_more_is_refused(
    live: Registry, database: Database, tmp_path: Path
) -> None:
    other = KeyRing(tmp_path / "other" / "signing.pem", tmp_path / "other" / "trusted")
    other.make_signing_key()
    with pytest.raises(PromotionRefused, match="expected a signature of a trusted key"):
        rollback(replace(live, keys=other), database, MODEL, who="bob", why="bad")
    assert decisions(database)[-1] == ("refused", "1")
    reconcile_once(live, database)
    assert page(live, "1").startswith("## Promotion refused")
    assert shown(live) == Shown("2", ["2"])


def test_changed_evidence_is_refused(live: Registry, database: Database) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE evidence DISABLE TRIGGER evidence_no_change")
        connection.exec_driver_sql("UPDATE evidence SET document = replace(document, '0.9', '1.0')")
    with pytest.raises(PromotionRefused, match="changed in the database"):
        rollback(live, database, MODEL, who="bob", why="bad")


def test_two_at_once_do_not_go_two_steps_back(live: Registry, database: Database, made: Registering) -> None:
    promote(live, database, MODEL, made("k3"), who="ann", why="better")
    seen, told, gate = present_standing(database, MODEL), [], threading.Barrier(2)

    def go_back(who: str) -> None:
        gate.wait()
        try:
            rollback(live, database, MODEL, who=who, why="bad", expected=seen)
        except PromotionRefused as error:
            told.append(str(error))

    threads = [threading.Thread(target=go_back, args=(who,)) for who in ("bob", "eve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(decisions(database)[3:]) == [("refused", "1"), ("rolled_back", "2")]
    assert len(told) == 1
    assert "went back to version 2 at" in told[0]


def test_a_move_in_the_ui_that_did_not_know_of_the_rollback_does_not_undo_it(
    live: Registry, database: Database, made: Registering
) -> None:
    live.client.set_registered_model_alias(MODEL, "production", made("k3"))
    rollback(live, database, MODEL, who="bob", why="bad")
    (entry,) = reconcile_once(live, database)
    assert (entry.decision, entry.to_version) == ("refused", "3")
    assert "bob went back to version 1 at" in entry.why
    assert shown(live) == Shown("1", ["1"])
    live.client.set_registered_model_alias(MODEL, "production", "3")
    assert [made.decision for made in reconcile_once(live, database)] == ["promoted"]


def test_during_a_rollout_it_ends_that_and_no_more(
    live: Registry, database: Database, made: Registering
) -> None:
    promote(live, database, MODEL, made("k3"), who="ann", why="try", rollout=CANARY)
    entry = rollback(live, database, MODEL, who="bob", why="bad")
    assert (entry.decision, entry.from_version, entry.to_version) == ("aborted", "2", "3")
    reconcile_once(live, database)
    assert shown(live) == Shown("2", ["2"])
    assert "canary" not in live.client.get_registered_model(MODEL).aliases
    assert rollback(live, database, MODEL, who="bob", why="bad").to_version == "1"


def test_only_an_open_rollout_can_be_aborted(live: Registry, database: Database) -> None:
    with pytest.raises(RegistryError, match="expected one that is open, got none"):
        abort_rollout(database, MODEL, who="bob", why="bad")

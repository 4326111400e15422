"""What people can delete, rename and edit in MLflow, and what becomes of it."""

from __future__ import annotations

import logging

import pytest

from estate.store import ledger
from estate.store.database import Database
from model_registry import Registry, list_models, promote, reconcile_once, rollback
from model_registry.reconcile import Memory
from tests.model_registry.conftest import MODEL, Registering, Shown, shown


@pytest.fixture
def live(registry: Registry, database: Database, made: Registering) -> Registry:
    """Versions 1 and 2 were promoted one after the other."""
    for key in ("k1", "k2"):
        promote(registry, database, MODEL, made(key), who="ann", why="better")
    return registry


def number_of_rows(database: Database) -> int:
    with database.begin() as connection:
        return ledger.verify(connection)


def look(registry: Registry, database: Database, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Look four times, twice of it in full, as the reconciler does; return the warnings."""
    memory = Memory()
    with caplog.at_level(logging.WARNING, "model_registry"), pytest.MonkeyPatch.context() as patch:
        for full_look_seconds in (8.0, 8.0, 0.0, 0.0):
            patch.setattr("model_registry.reconcile.FULL_LOOK_SECONDS", full_look_seconds)
            assert reconcile_once(registry, database, memory=memory) == []
    return [record.getMessage() for record in caplog.records if record.name.startswith("model_registry")]


def test_a_deleted_production_version_is_said_once_and_another_can_be_promoted(
    live: Registry, database: Database, made: Registering, caplog: pytest.LogCaptureFixture
) -> None:
    live.client.delete_model_version(MODEL, "2")
    (said,) = look(live, database, caplog)
    assert "version=2 is in production, but was deleted in MLflow" in said
    assert shown(live) == Shown(None, [])
    (summary,) = list_models(live, database)
    assert summary.deleted
    assert summary.production is not None
    assert summary.production.to_version == "2"
    promote(live, database, MODEL, made("k3"), who="ann", why="instead")
    assert shown(live) == Shown("3", ["3"])
    assert rollback(live, database, MODEL, who="ann", why="it still is on serving's disk").to_version == "2"
    assert reconcile_once(live, database) == []
    assert shown(live) == Shown(None, []), "it can't be shown; and version 3 is not in production"
    assert rollback(live, database, MODEL, who="ann", why="further").to_version == "1"
    assert reconcile_once(live, database) == []
    assert shown(live) == Shown("1", ["1"])


def test_a_renamed_model_gets_its_name_back(
    live: Registry, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    live.client.rename_registered_model(MODEL, "better_name")
    (said,) = look(live, database, caplog)
    assert said == f"model={MODEL} was renamed to better_name in MLflow, and was renamed back"
    assert shown(live) == Shown("2", ["2"])
    assert [model.name for model in live.client.search_registered_models()] == [MODEL]


def test_a_renamed_model_whose_name_is_taken_is_said_once(
    live: Registry, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    live.client.rename_registered_model(MODEL, "better_name")
    live.client.create_registered_model(MODEL)
    (said,) = look(live, database, caplog)
    assert "version=2 is in production, but was deleted in MLflow" in said
    assert number_of_rows(database) == 2


def test_a_deleted_model_is_said_once_and_a_copy_is_no_renaming(
    live: Registry, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    live.client.copy_model_version(f"models:/{MODEL}/1", "copy")
    live.client.copy_model_version(f"models:/{MODEL}/2", "copy")
    live.client.delete_registered_model(MODEL)
    (said,) = look(live, database, caplog)
    assert said.startswith(f"model={MODEL} was deleted in MLflow: its evidence and decisions stay")
    summary = next(found for found in list_models(live, database) if found.model == MODEL)
    assert (summary.versions, summary.deleted) == (0, True)
    assert [model.name for model in live.client.search_registered_models()] == ["copy"]


def test_a_new_life_under_the_same_name_is_not_taken_for_the_old_one(
    live: Registry, database: Database, made: Registering
) -> None:
    live.client.delete_registered_model(MODEL)
    made("other1", evidence=None)
    made("other2", evidence=None)
    assert reconcile_once(live, database) == []
    assert shown(live) == Shown(None, []), "version 2 of now is not the version 2 that was promoted"


def test_edited_tags_and_texts_are_written_anew(
    live: Registry, database: Database, made: Registering, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("k3", evidence=False)
    live.client.set_registered_model_alias(MODEL, "production", "3")
    memory = Memory()
    assert [entry.decision for entry in reconcile_once(live, database, memory=memory)] == ["refused"]
    before = {version: live.client.get_model_version(MODEL, version) for version in ("1", "2", "3")}
    client = live.client
    client.set_model_version_tag(MODEL, "1", "decision", "promoted by magic")
    client.delete_model_version_tag(MODEL, "2", "decision_by")
    edited = (before["3"].description or "").replace("GATE101", "no reason at all")
    client.update_model_version(MODEL, "3", edited + "\n\nA remark of mine.")
    made("k4")
    client.set_model_version_tag(MODEL, "4", "decision", "promoted")
    client.update_model_version(MODEL, "4", "## Promotion refused\n\nby nobody\n\n---\n\n# Card")
    monkeypatch.setattr("model_registry.reconcile.FULL_LOOK_SECONDS", 0.0)
    assert reconcile_once(live, database, memory=memory) == []
    after = {version: client.get_model_version(MODEL, version) for version in ("1", "2", "3", "4")}
    for version in ("1", "2"):
        assert after[version].tags == before[version].tags
    assert after["3"].description == f"{before['3'].description}\n\nA remark of mine."
    assert "decision" not in after["4"].tags
    assert after["4"].description == "# Card"

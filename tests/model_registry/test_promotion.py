"""Promotion and rollback from the command line's side."""

from __future__ import annotations

import threading

import pytest

from estate.core.errors import PromotionRefused, RegistryError
from estate.store import ledger, registry_views
from estate.store.database import Database
from estate.store.ledger import Entry
from model_registry import Registry, list_models, promote, reconcile_once, rollback
from model_registry.page import DESCRIPTION_LIMIT
from tests.model_registry.conftest import MODEL, Registering, Shown, artifacts, page, shown


def go(registry: Registry, database: Database, version: str) -> Entry:
    return promote(registry, database, MODEL, version, who="ann", why="better")


def entries(database: Database) -> list[tuple[str, str | None, str]]:
    with database.begin() as connection:
        ledger.verify(connection)
        return [(e.decision, e.from_version, e.to_version) for e in ledger.history(connection, MODEL)]


def test_promotion_writes_ledger_alias_stage_and_tags(
    registry: Registry, database: Database, made: Registering
) -> None:
    go(registry, database, made("k1"))
    go(registry, database, made("k2"))
    assert entries(database) == [("promoted", None, "1"), ("promoted", "1", "2")]
    assert shown(registry) == Shown("2", ["2"])
    former = registry.client.get_model_version(MODEL, "1")
    assert former.current_stage == "Archived"
    tags = registry.client.get_model_version(MODEL, "2").tags
    assert (tags["decision"], tags["decision_by"], tags["decision_why"]) == ("promoted", "ann", "better")
    with database.begin() as connection:
        view = registry_views.read(connection, MODEL)
    assert view is not None
    assert (view.alias_version, view.stage_version) == ("2", "2")


def test_promotion_to_the_present_version_writes_nothing(
    registry: Registry, database: Database, made: Registering
) -> None:
    first = go(registry, database, made("k1"))
    assert go(registry, database, "1") == first
    assert entries(database) == [("promoted", None, "1")]


def test_unknown_version_is_an_error_and_no_entry(
    registry: Registry, database: Database, made: Registering
) -> None:
    made("k1")
    with pytest.raises(RegistryError, match="version 99 of `lead_conversion`: expected a version"):
        go(registry, database, "99")
    assert entries(database) == []


def test_model_of_another_team_does_not_become_ours(
    registry: Registry, database: Database, made: Registering
) -> None:
    version = made("k1", evidence=None)
    with pytest.raises(RegistryError, match="neither evidence nor a decision: it belongs to somebody else"):
        go(registry, database, version)
    assert entries(database) == []


def test_refusal_stands_on_the_page_once(registry: Registry, database: Database, made: Registering) -> None:
    made("k0")
    version = made("k1", evidence=None)
    for _ in range(2):
        with pytest.raises(PromotionRefused, match="no evidence for version 2"):
            go(registry, database, version)
    text = page(registry, version)
    assert text.count("Promotion refused") == 1
    assert text.startswith("## Promotion refused")
    assert text.endswith("# Card\n\nWhat it is for.")
    assert "never went through the gate" in text
    assert registry.client.get_model_version(MODEL, version).tags["decision"] == "refused"
    assert shown(registry) == Shown(None, [])
    assert [decision for decision, _, _ in entries(database)] == ["refused", "refused"]


def test_long_card_and_reason_fit_the_page(registry: Registry, database: Database, made: Registering) -> None:
    made("k0")
    version = made("k1", evidence=None)
    registry.client.update_model_version(MODEL, version, "x" * 3800)
    with pytest.raises(PromotionRefused):
        promote(registry, database, MODEL, version, who="ann", why="y" * 9000)
    assert len(page(registry, version)) < DESCRIPTION_LIMIT


def test_failed_verdict_names_the_rule(registry: Registry, database: Database, made: Registering) -> None:
    with pytest.raises(PromotionRefused, match=r"GATE101: log loss 0\.3100 does not beat 0\.3000"):
        go(registry, database, made("k1", evidence=False))


def test_changed_artifact_is_refused(registry: Registry, database: Database, made: Registering) -> None:
    version = made("k1")
    (artifacts(registry, version) / "model.onnx").write_bytes(b"another model")
    with pytest.raises(PromotionRefused, match=r"model\.onnx.*expected sha256"):
        go(registry, database, version)


def test_artifact_changed_with_its_manifest_is_refused(
    registry: Registry, database: Database, made: Registering
) -> None:
    from estate.bundles.manifest import write_manifest

    folder = artifacts(registry, made("k1"))
    (folder / "model.onnx").write_bytes(b"another model")
    digest = write_manifest(folder)
    with pytest.raises(PromotionRefused, match=r"bundle/manifest\.json.*expected sha256"):
        go(registry, database, "1")
    write_manifest(folder.parent)
    registry.client.set_model_version_tag(MODEL, "1", "bundle_digest", digest)
    with pytest.raises(PromotionRefused, match="artifact was changed after training"):
        go(registry, database, "1")


def test_evidence_changed_in_the_database_is_refused(
    registry: Registry, database: Database, made: Registering
) -> None:
    version = made("k1", evidence=False)
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE evidence DISABLE TRIGGER evidence_no_change")
        connection.exec_driver_sql(
            "UPDATE evidence SET verdict = true, document = replace(document, 'false', 'true')"
        )
    with pytest.raises(PromotionRefused, match="It was changed in the database"):
        go(registry, database, version)


def test_acceptance_takes_an_old_refusal_off_the_page(
    registry: Registry, database: Database, made: Registering
) -> None:
    version = made("k1")
    golden = artifacts(registry, version) / "golden.json"
    kept = golden.read_bytes()
    golden.write_bytes(b"{}")
    with pytest.raises(PromotionRefused):
        go(registry, database, version)
    golden.write_bytes(kept)
    go(registry, database, version)
    assert registry.client.get_model_version(MODEL, version).description == "# Card\n\nWhat it is for."


def test_rollback_goes_one_further_each_time(
    registry: Registry, database: Database, made: Registering
) -> None:
    for key in ("k1", "k2", "k3"):
        go(registry, database, made(key))
    assert rollback(registry, database, MODEL, who="ann", why="worse").to_version == "2"
    assert reconcile_once(registry, database) == []
    assert shown(registry) == Shown("2", ["2"])
    assert rollback(registry, database, MODEL, who="ann", why="worse").to_version == "1"
    with pytest.raises(RegistryError, match="in production before, got only version 1"):
        rollback(registry, database, MODEL, who="ann", why="worse")
    go(registry, database, "3")
    assert rollback(registry, database, MODEL, who="ann", why="worse").to_version == "1"


def test_two_promoters_at_once_take_turns(registry: Registry, database: Database, made: Registering) -> None:
    versions = [made("k1"), made("k2")]
    threads = [threading.Thread(target=go, args=(registry, database, version)) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made_entries = entries(database)
    assert sorted(to for _, _, to in made_entries) == versions
    assert made_entries[1][1] == made_entries[0][2]
    last = made_entries[1][2]
    assert shown(registry) == Shown(last, [last])


def test_listing_shows_production_and_staging(
    registry: Registry, database: Database, made: Registering
) -> None:
    go(registry, database, made("k1"))
    made("k2")
    registry.client.set_registered_model_alias(MODEL, "staging", "2")
    (summary,) = list_models(registry, database)
    assert (summary.model, summary.versions, summary.latest, summary.staging) == (MODEL, 2, "2", "2")
    assert summary.production is not None
    assert summary.production.to_version == "1"

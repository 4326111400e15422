"""A person clicks in MLflow's real UI; the ledger decides, serving follows, a refusal can be read."""

from __future__ import annotations

import time

import httpx
import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from model_registry.reconcile import UNKNOWN
from tests.browser.conftest import Saving, Saying
from tests.browser.pages import Page, VersionPage
from tests.desk import MODEL, Desk

SECONDS_TO_SERVE = 5.0

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(600)]


def version_page(desk: Desk, browser: WebDriver, version: str) -> VersionPage:
    page = VersionPage(browser, desk.settings.endpoint("mlflow_url"), MODEL, version)
    page.open()
    return page


def forged(desk: Desk) -> str:
    """Register another version with the files and all tags of version 2, and some more: anybody may."""
    client = desk.registry.client
    real = client.get_model_version(MODEL, "2")
    assert real.source
    tags = {**real.tags, "validation": "passed", "decision": "promoted"}
    made = client.create_model_version(MODEL, real.source, run_id=real.run_id, tags=tags)
    return str(made.version)


def test_the_version_page_shows_what_the_gate_found(desk: Desk, browser: WebDriver, save: Saving) -> None:
    page = version_page(desk, browser, "2")
    text = page.wait_for_text("The gate passed: it may be promoted.", "GATE103", "log_loss", "evidence")
    assert "better than version 1 in production" in text
    assert "|" not in text.partition("Description")[2].partition("Tags")[0]  # tables are drawn as tables
    plot = page.find("img[src*='calibration.png']")
    drawn = "return arguments[0].naturalWidth > 300"
    page.wait(lambda: browser.execute_script(drawn, plot) or None, "a drawn plot")
    save("version-page")


def test_an_alias_moved_in_the_ui_is_served(
    desk: Desk, browser: WebDriver, save: Saving, say: Saying
) -> None:
    desk.in_production("1")
    before = desk.history()
    page = version_page(desk, browser, "2")
    assert "will remove it from version 1" in page.type_alias("production")
    save("alias-dialog")
    with desk.asking() as client:
        client.seconds_until("1", time.monotonic(), most=SECONDS_TO_SERVE)
        clicked = page.save_aliases()
        say(
            "alias clicked to first answer",
            client.seconds_until("2", clicked, most=SECONDS_TO_SERVE),
        )
        desk.wait(lambda: desk.shown() == ("2", ["2"]))
    assert client.versions == ["1", "2"]  # nobody was turned away
    assert desk.served()["version"] == "2"
    (entry,) = desk.history()[len(before) :]
    assert (entry.decision, entry.from_version, entry.to_version) == ("promoted", "1", "2")
    assert entry.who == UNKNOWN
    page.open()
    page.wait_for_text("@ production", "promoted", UNKNOWN)
    save("alias-moved")


def test_a_version_without_evidence_is_put_back(
    desk: Desk, browser: WebDriver, save: Saving, say: Saying
) -> None:
    desk.in_production("2")
    before, version = desk.history(), forged(desk)
    page = version_page(desk, browser, version)
    page.type_alias("production")
    with desk.asking() as client:
        clicked = page.save_aliases()
        desk.wait(lambda: len(desk.history()) > len(before), seconds=SECONDS_TO_SERVE)
        desk.wait(lambda: desk.shown() == ("2", ["2"]), seconds=SECONDS_TO_SERVE)
        say("alias clicked to put back", time.monotonic() - clicked)
        page.open()
        text = page.wait_for_text("Promotion refused", "Tags")
    assert client.versions == ["2"]
    assert "In production: version 2." in text
    assert f"There is no evidence for version {version}: it never went through the gate." in text
    assert f"asked for by {UNKNOWN}" in text
    assert "@ production" not in text
    (entry,) = desk.history()[len(before) :]
    assert (entry.decision, entry.to_version, entry.who) == ("refused", version, UNKNOWN)
    save("put-back")


def test_an_alias_canary_starts_one_and_taking_it_away_ends_it(
    desk: Desk, browser: WebDriver, save: Saving
) -> None:
    desk.in_production("1")
    before = desk.history()
    page = version_page(desk, browser, "2")
    page.type_alias("canary")
    page.save_aliases()
    desk.wait(lambda: len(desk.history()) > len(before))
    (started,) = desk.history()[len(before) :]
    assert (started.decision, started.to_version, started.who) == ("started", "2", UNKNOWN)
    desk.wait(lambda: desk.served().get("rollout") is not None)
    assert desk.shown() == ("1", ["1"])  # production stays where it was
    page.open()
    page.wait_for_text("@ canary", "started")
    save("canary")
    desk.registry.client.delete_registered_model_alias(MODEL, "canary")
    desk.wait(lambda: desk.history()[-1].decision == "aborted")
    desk.wait(lambda: desk.served().get("rollout") is None)


def test_the_old_stage_menu_is_served(desk: Desk, browser: WebDriver, save: Saving, say: Saying) -> None:
    desk.in_production("2")
    before = desk.history()
    page = version_page(desk, browser, "1")
    page.switch_to_stages()
    said = page.choose_stage("Production")
    assert "Transition existing Production model version to Archived" in " ".join(said.split())
    save("stage-dialog")
    with desk.asking() as client:
        client.seconds_until("2", time.monotonic(), most=SECONDS_TO_SERVE)
        clicked = page.confirm_stage()
        say("stage clicked to first answer", client.seconds_until("1", clicked, most=SECONDS_TO_SERVE))
        desk.wait(lambda: desk.shown() == ("1", ["1"]))
    assert client.versions == ["2", "1"]
    assert desk.registry.client.get_model_version(MODEL, "2").current_stage == "Archived"
    (entry,) = desk.history()[len(before) :]
    assert (entry.decision, entry.to_version, entry.who) == ("promoted", "1", UNKNOWN)
    save("stage-moved")


def test_the_prefect_ui_shows_what_a_training_found(desk: Desk, browser: WebDriver, save: Saving) -> None:
    prefect = desk.settings.endpoint("prefect_url")
    found = httpx.post(f"{prefect}/artifacts/latest/filter", json={}, trust_env=False).json()
    by_key = {artifact["key"]: artifact for artifact in found}
    site = prefect.removesuffix("/api")
    page = Page(browser, f"{site}/runs/flow-run/{by_key['flat-sale-gate']['flow_run_id']}")
    page.open()
    page.choose("Artifacts")
    page.wait_for_text("Completed", "flat-sale-gate", "flat-sale-measures", "flat-sale-plots")
    save("prefect-run")
    page = Page(browser, f"{site}/artifacts/artifact/{by_key['flat-sale-measures']['latest_id']}")
    page.open()
    page.wait_for_text("flat_sale version 2 on 600 holdout rows", "90 % interval", "log_loss", "roc_auc")
    save("prefect-measures")
    page = Page(browser, f"{site}/artifacts/artifact/{by_key['flat-sale-plots']['latest_id']}")
    page.open()
    plot = page.find("img[src^='data:image/png']")
    drawn = "return arguments[0].naturalWidth > 300"
    page.wait(lambda: browser.execute_script(drawn, plot) or None, "a drawn plot")
    save("prefect-plot")


def test_the_page_of_the_server_explains_itself(desk: Desk, browser: WebDriver, save: Saving) -> None:
    page = Page(browser, f"{desk.settings.endpoint('serving_url')}/docs")
    page.open()
    page.wait_for_text("/v1/models/{model}/predict")
    save("serving-docs")

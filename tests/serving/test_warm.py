"""Versions that served stay loaded: going back needs nothing but the ledger."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.serving.hammer import Hammer
from tests.serving.shop import Shop, score_of, wait_for


def test_a_rollback_needs_no_registry_and_no_disk(shop: Shop) -> None:
    for version in ("1", "2", "3"):
        shop.train(version)
    with shop.serve() as served:
        for version in ("1", "2", "3"):
            shop.promote(version)
            served.wait_for_version(version)
        shop.registry_answers = False
        shutil.rmtree(shop.folder / "registry")
        shutil.rmtree(shop.settings.home / "serving" / "models")
        for version in ("2", "1"):
            entry = shop.decide("rolled_back", version, who="grace")
            served.wait_for_version(version)
            assert served.predict().json()["predictions"][0]["score"] == pytest.approx(
                score_of(version), abs=1e-6
            )
            assert served.show()["problem"] is None
            assert entry.decision == "rolled_back"
    assert shop.fetched == ["sale/1", "sale/2", "sale/3"]


def test_twenty_moves_under_load_fail_no_request_and_mix_no_versions(shop: Shop) -> None:
    for version in ("1", "2", "3"):
        shop.train(version)
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        hammer = Hammer(served)
        for move in range(20):
            version = ("2", "3", "1")[move % 3]
            shop.decide("promoted" if move % 2 else "rolled_back", version)
            served.wait_for_version(version)
        answers = hammer.stop()
    assert {answer["version"] for answer in answers} == {"1", "2", "3"}
    for answer in answers:
        (prediction,) = answer["predictions"]
        assert answer["source"] == "model"
        assert prediction["score"] == pytest.approx(score_of(answer["version"]), abs=1e-6)
    assert shop.fetched == ["sale/1", "sale/2", "sale/3"]


def test_old_copies_on_disk_go_but_those_in_use_and_the_last_three_stay(shop: Shop) -> None:
    versions = [str(number) for number in range(1, 8)]
    with shop.serve() as served:
        for version in versions:
            shop.train(version)
            shop.promote(version)
            served.wait_for_version(version)
        folder = shop.settings.home / "serving" / "models" / "sale"
        wait_for(lambda: bundles(folder) == ["4", "5", "6", "7"])
        papers = [f"{version}.evidence.json" for version in ("4", "5", "6", "7")]  # they go a moment later
        wait_for(lambda: sorted(path.name for path in folder.glob("*.evidence.json")) == papers)
        shop.promote("1")  # long gone from memory and disk
        served.wait_for_version("1")


def bundles(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir())

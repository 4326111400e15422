"""The ledger's version is in service moments later, and nothing fails meanwhile."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from tests.serving.shop import ROW, Served, Shop, score_of, wait_for


def test_rules_answer_before_the_first_version(shop: Shop) -> None:
    with shop.serve() as served:
        answer = served.predict().json()
    assert (answer["version"], answer["source"]) == ("rules", "rules")
    assert answer["predictions"][0]["score"] == pytest.approx(0.1)
    assert answer["predictions"][0]["entity"] == "case-1"


def test_a_promoted_version_answers_and_says_by_whose_decision(shop: Shop) -> None:
    shop.train("1")
    with shop.serve() as served:
        shop.promote("1", who="grace")
        served.wait_for_version("1")
        answer, shown = served.predict().json(), served.show()
    assert (answer["version"], answer["source"]) == ("1", "model")
    assert answer["predictions"][0]["score"] == pytest.approx(score_of("1"), abs=1e-6)
    assert (shown["who"], shown["why"], shown["problem"]) == ("grace", "better", None)


def test_no_request_fails_while_versions_swap_under_load(shop: Shop) -> None:
    for version in ("1", "2", "3"):
        shop.train(version)
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        hammer = Hammer(served)
        for version in ("2", "3", "1"):
            shop.promote(version)
            served.wait_for_version(version)
        answers = hammer.stop()
    assert {answer["version"] for answer in answers} == {"1", "2", "3"}
    for answer in answers:
        assert answer["source"] == "model"
        assert answer["predictions"][0]["score"] == pytest.approx(score_of(answer["version"]), abs=1e-6)


class Hammer:
    """Four clients that ask all the time; any answer but 200 is an error."""

    def __init__(self, served: Served) -> None:
        self.answers: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.done = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(served.url,)) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def run(self, url: str) -> None:
        with httpx.Client(base_url=url) as client:
            while not self.done.is_set():
                response = client.post("/v1/models/sale/predict", json={"rows": [ROW]})
                if response.status_code == 200:
                    self.answers.append(response.json())
                else:
                    self.errors.append(response.text)

    def stop(self) -> list[dict[str, Any]]:
        self.done.set()
        for thread in self.threads:
            thread.join()
        assert self.errors == []
        return self.answers


def test_a_version_with_other_golden_scores_is_refused_and_the_old_one_stays(shop: Shop) -> None:
    shop.train("1")
    shop.train("2", golden=0.7)
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        shop.promote("2")
        wait_for(lambda: served.show()["problem"] is not None)
        shown = served.show()
        assert served.predict().json()["version"] == "1"
        assert served.metric("leadloop_swap_refusals_total") >= 1
        assert served.client.get("/health/ready").status_code == 200
    assert "golden scores" in str(shown["problem"])
    assert (shown["version"], shown["in_production"]) == ("1", "2")
    assert not (shop.settings.home / "serving" / "models" / "sale" / "2").exists()


def test_a_changed_file_is_refused(shop: Shop) -> None:
    folder = shop.train("1")
    (folder / "golden.json").write_text("{}")
    shop.promote("1")
    with shop.serve() as served:
        wait_for(lambda: served.show()["problem"] is not None)
        assert "sha256" in str(served.show()["problem"])
        assert served.predict().json()["source"] == "rules"


def test_a_repaired_version_is_taken_into_service_later(shop: Shop) -> None:
    folder = shop.train("1")
    whole = (folder / "golden.json").read_text()
    (folder / "golden.json").write_text("{}")
    shop.promote("1")
    with shop.serve() as served:
        wait_for(lambda: served.show()["problem"] is not None)
        (folder / "golden.json").write_text(whole)
        served.wait_for_version("1")
        assert served.show()["problem"] is None


def test_a_version_that_could_be_a_path_is_refused(shop: Shop) -> None:
    shop.promote("../../../etc")
    with shop.serve() as served:
        wait_for(lambda: served.show()["problem"] is not None)
        assert "letters, digits" in str(served.show()["problem"])


def test_a_copy_on_disk_of_another_time_is_not_used(shop: Shop, tmp_path: Any) -> None:
    """The database was made anew while the folder stayed: version 1 is another version 1 now."""
    old = shop.train("7")
    stale = shop.settings.home / "serving" / "models" / "sale" / "1"
    stale.parent.mkdir(parents=True)
    old.rename(stale)
    folder = shop.train("1")
    keep_evidence(shop, "1", folder)
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        assert served.predict().json()["predictions"][0]["score"] == pytest.approx(score_of("1"), abs=1e-6)
    assert shop.fetched == ["sale/1"]


def keep_evidence(shop: Shop, version: str, folder: Any) -> None:
    from datetime import UTC, datetime

    from estate.bundles import check_manifest
    from estate.core.evidence import Evidence
    from estate.store import evidence

    made = Evidence(
        model="sale",
        training_key="k",
        bundle_digest=check_manifest(folder),
        verdict=True,
        findings=(),
        measures=(),
        baseline=(),
        champion=(),
        champion_version=None,
        slices=(),
        data_fingerprint="",
        feature_fingerprint="",
        code_version="",
        as_of=datetime(2026, 1, 5, tzinfo=UTC),
        rows=1,
        holdout_rows=1,
        mature_share=1.0,
    )
    with shop.database.begin() as connection:
        evidence.save(connection, "sale", version, made)


def test_a_model_file_that_appears_later_is_served(shop: Shop) -> None:
    with shop.serve() as served:
        assert served.predict(model="rent").status_code == 404
        text = (shop.folder / "models" / "model.py").read_text()
        later = text[: text.index("BARE =")].replace('name="sale"', 'name="rent"')
        (shop.folder / "models" / "rent.py").write_text(later)
        wait_for(lambda: served.predict(model="rent").status_code == 200)


def test_a_broken_model_file_does_not_stop_the_platforms_own_models(shop: Shop) -> None:
    path = shop.folder / "models" / "model.py"
    whole = path.read_text()
    path.write_text("def broken(:")
    with shop.serve() as served:
        assert served.client.get("/v1/models/churn").json()["source"] == "rules"
        assert served.predict().status_code == 404
        path.write_text(whole)
        wait_for(lambda: served.predict().status_code == 200)


def test_a_feature_whose_code_changed_since_the_training_is_said(shop: Shop) -> None:
    shop.train("1")
    path = shop.folder / "models" / "model.py"
    path.write_text(path.read_text().replace('rows["rooms"]\n', 'rows["rooms"] * 1\n'))
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        assert served.show()["feature_mismatch"] is True
        assert served.metric("leadloop_feature_mismatch") == 1
        assert served.predict().json()["version"] == "1"


def test_a_version_trained_with_a_newer_model_file_is_served_with_it(shop: Shop) -> None:
    with shop.serve() as served:
        assert served.predict().json()["source"] == "rules"
        path = shop.folder / "models" / "model.py"
        path.write_text(path.read_text().replace('rows["rooms"]\n', 'rows["rooms"] * 1\n'))
        shop.train("1")
        shop.promote("1")
        served.wait_for_version("1")
        assert served.show()["feature_mismatch"] is False


def test_a_version_that_left_the_ledger_is_withdrawn(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
    with shop.database.begin() as connection:  # a database that was made anew
        connection.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER USER")
        connection.exec_driver_sql("DELETE FROM ledger")
    with shop.serve() as served:
        wait_for(lambda: served.predict().json()["source"] == "rules")

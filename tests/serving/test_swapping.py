"""The ledger's version is in service moments later, and nothing fails meanwhile."""

from __future__ import annotations

import pytest

from tests.serving.hammer import Hammer
from tests.serving.shop import Shop, score_of, wait_for


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
            # The next swap may be over before any of the clients has come round.
            wait_for(lambda version=version: version in hammer.versions())  # type: ignore[misc]
        answers = hammer.stop()
    assert {answer["version"] for answer in answers} == {"1", "2", "3"}
    for answer in answers:
        assert answer["source"] == "model"
        assert answer["predictions"][0]["score"] == pytest.approx(score_of(answer["version"]), abs=1e-6)


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
    shop.train("1")
    made = shop.judge("1")
    shop.keep("../../../etc", made, shop.sign(made))
    shop.promote("../../../etc")
    with shop.serve() as served:
        wait_for(lambda: served.show()["problem"] is not None)
        assert "letters, digits" in str(served.show()["problem"])


def test_a_copy_on_disk_of_another_time_is_not_used(shop: Shop) -> None:
    """The database was made anew while the folder stayed: version 1 is another version 1 now."""
    old = shop.train("7")
    stale = shop.settings.home / "serving" / "models" / "sale" / "1"
    stale.parent.mkdir(parents=True)
    old.rename(stale)
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        assert served.predict().json()["predictions"][0]["score"] == pytest.approx(score_of("1"), abs=1e-6)
    assert shop.fetched == ["sale/1"]


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


def change_the_features(shop: Shop) -> None:
    path = shop.folder / "models" / "model.py"
    path.write_text(path.read_text().replace('rows["rooms"]\n', 'rows["rooms"] * 1\n'))


def test_a_version_whose_features_the_code_computes_otherwise_is_refused(shop: Shop) -> None:
    shop.train("1")
    change_the_features(shop)
    shop.train("2")
    shop.promote("2")
    with shop.serve() as served:
        served.wait_for_version("2")
        shop.promote("1")
        wait_for(lambda: served.show()["problem"] is not None)
        assert "Deploy the code that it was trained with" in str(served.show()["problem"])
        assert served.predict().json()["version"] == "2"


def test_a_process_goes_by_the_code_that_it_has_loaded(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        shop.train("2")
        change_the_features(shop)
        shop.promote("2")
        served.wait_for_version("2")
        assert served.show()["feature_mismatch"] is False


def test_the_last_good_version_goes_on_after_its_features_code_changed_and_says_so(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
    change_the_features(shop)
    with shop.serve() as served:
        wait_for(lambda: served.show()["problem"] is not None)
        assert served.show()["feature_mismatch"] is True
        assert served.metric("leadloop_feature_mismatch") == 1
        answer = served.predict().json()
    assert (answer["version"], answer["source"]) == ("1", "last_good")


def test_a_version_trained_with_a_newer_model_file_is_served_with_it(shop: Shop) -> None:
    with shop.serve() as served:
        assert served.predict().json()["source"] == "rules"
        change_the_features(shop)
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

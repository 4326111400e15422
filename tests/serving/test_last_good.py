"""Answers when registry, database, or both are gone."""

from __future__ import annotations

from dataclasses import replace

from pydantic import SecretStr

from tests.serving.shop import Shop, wait_for

NOWHERE = SecretStr("postgresql://postgres@127.0.0.1:9/none")


def alone(shop: Shop) -> Shop:
    """Return the same shop with database and registry gone."""
    settings = shop.settings.model_copy(update={"database_url": NOWHERE})
    return replace(shop, settings=settings, registry_answers=False)


def test_after_a_restart_with_all_else_down_the_last_good_version_answers_from_disk(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1", who="grace")
    with shop.serve() as served:
        served.wait_for_version("1")
    with alone(shop).serve() as served:
        answer, shown = served.predict().json(), served.show()
        wait_for(lambda: served.client.get("/health/ready").status_code == 200)
        assert served.client.get("/health/ready").json()["ledger_reachable"] is False
    assert (answer["version"], answer["source"]) == ("1", "last_good")
    assert (shown["who"], shown["in_production"]) == ("grace", None)


def test_with_nothing_on_disk_the_rules_answer(shop: Shop) -> None:
    with alone(shop).serve() as served:
        assert served.predict().json()["source"] == "rules"


def test_a_damaged_copy_on_disk_is_not_used(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
    model = shop.settings.home / "serving" / "models" / "sale" / "1" / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1])
    with alone(shop).serve() as served:
        assert served.predict().json()["source"] == "rules"
    with shop.serve() as served:  # with the registry back it is fetched anew
        served.wait_for_version("1")
    assert shop.fetched == ["sale/1", "sale/1"]


def test_a_half_written_memory_on_disk_is_not_used(shop: Shop) -> None:
    current = shop.settings.home / "serving" / "models" / "sale" / "current.json"
    current.parent.mkdir(parents=True)
    current.write_text('{"model": "sale", "vers')
    with alone(shop).serve() as served:
        assert served.predict().json()["source"] == "rules"


def test_once_the_ledger_confirms_it_the_version_from_disk_is_the_model_again(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
    shop.registry_answers = False
    with shop.serve() as served:
        served.wait_for_version("1")
        assert served.predict().json()["source"] == "model"


def test_a_model_without_rules_or_version_says_503_and_when_to_come_back(shop: Shop) -> None:
    with shop.serve() as served:
        response = served.predict(model="bare")
    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert "neither" in response.json()["detail"]


def test_a_dead_registry_does_not_stop_the_old_version(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        shop.registry_answers = False
        shop.promote("2")
        wait_for(lambda: served.show()["problem"] is not None)
        assert served.predict().json()["version"] == "1"
        shop.registry_answers = True
        served.wait_for_version("2")

"""A past prediction is shown as it was, and scored again to the same number."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr
from xgboost import XGBClassifier

from estate.bundles import Bundle, open_predictor
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.store.database import Database
from estate.store.prediction_writer import PredictionWriter
from estate.store.predictions import find
from estate.training.bundling import write_bundle
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.split import split_by_time
from serving.journal import encoding
from serving.journal.contexts import read
from serving.journal.decoding import rows_of
from serving.predictors import sign
from serving.replay import scored_again
from tests.serving.journal.answers import answered
from tests.serving.shop import ROW, Served, Shop, wait_for
from tests.serving.test_prediction_log import AWAY, kept
from tests.specs import band_spec, days_spec, home_spec, logistic, ridge, write_homes


def shown(served: Served, id_: str) -> dict[str, object]:
    response = served.client.get(f"/v1/predictions/{id_}")
    assert response.status_code == 200, response.text
    found: dict[str, object] = response.json()
    return found


def ask(served: Served, *rows: object) -> list[dict[str, object]]:
    answers: list[dict[str, object]] = served.predict(*rows).json()["predictions"]
    return answers


def test_a_prediction_is_shown_and_scored_again(shop: Shop) -> None:
    shop.train("3")
    shop.promote("3")
    with shop.serve() as served:
        served.wait_for_version("3")
        (answer,) = ask(served)
        wait_for(lambda: len(kept(shop.database)) == 1)
        found = shown(served, str(answer["id"]))
    assert (found["id"], found["score"], found["entity"]) == (answer["id"], answer["score"], "case-1")
    assert (found["model"], found["version"], found["source"]) == ("sale", "3", "model")
    assert found["features"] == {"rooms": 3.0, "price_per_room_usd": 100_000.0, "area": "north"}
    assert (found["replay"], found["why"]) == ({"score": answer["score"], "same": True}, None)


def test_one_that_is_not_in_the_database_yet_is_found_on_disk(shop: Shop) -> None:
    away = shop.settings.model_copy(update={"database_url": SecretStr(AWAY)})
    with replace(shop, settings=away).serve() as served:
        first, second = ask(served, ROW, {**ROW, "case_id": "case-2", "area": None})
        ask(served)
        found = shown(served, str(second["id"]))
        assert served.client.get(f"/v1/predictions/{uuid.uuid4()}").status_code == 503
    assert (found["entity"], found["source"]) == ("case-2", "rules")
    assert found["replay"] == {"score": second["score"], "same": True}
    assert first["id"] != second["id"]


def test_unknown_names_are_problems(shop: Shop) -> None:
    with shop.serve() as served:
        unknown = served.client.get(f"/v1/predictions/{uuid.uuid4()}")
        no_name = served.client.get("/v1/predictions/17")
    assert (unknown.status_code, no_name.status_code) == (404, 422)
    assert "moments after" in unknown.json()["todo"]
    assert unknown.headers["content-type"] == no_name.headers["content-type"] == "application/problem+json"
    assert no_name.json()["expected"] == "a UUID, as answers carry it in `id`"


def a_prediction_of_version_1(shop: Shop) -> str:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        (answer,) = ask(served)
    shop.train("2")
    shop.promote("2")
    return str(answer["id"])


def test_a_version_of_long_ago_is_fetched_again(shop: Shop) -> None:
    id_ = a_prediction_of_version_1(shop)
    shutil.rmtree(shop.settings.home / "serving" / "models")
    with shop.serve() as served:
        served.wait_for_version("2")
        shop.fetched.clear()
        assert shown(served, id_)["replay"] == {"score": pytest.approx(0.01), "same": True}
        assert shown(served, id_)["replay"] == {"score": pytest.approx(0.01), "same": True}
    assert shop.fetched == ["sale/1"]


def test_a_version_that_is_gone_is_said_in_words(shop: Shop) -> None:
    id_ = a_prediction_of_version_1(shop)
    shutil.rmtree(shop.settings.home / "serving" / "models")
    with shop.serve() as served:
        served.wait_for_version("2")
        shop.registry_answers = False
        found = shown(served, id_)
    assert found["replay"] is None
    assert found["why"] == "model registry: expected an answer, got none."


def test_a_version_that_somebody_changed_is_not_asked(shop: Shop) -> None:
    id_ = a_prediction_of_version_1(shop)
    copy = shop.settings.home / "serving" / "models" / "sale" / "1" / "golden.json"
    copy.write_text("{}")
    with shop.serve() as served:
        served.wait_for_version("2")
        found = shown(served, id_)
    assert found["replay"] is None
    assert "golden.json" in str(found["why"])


def test_rules_whose_features_are_of_other_code_now_are_not_asked(shop: Shop) -> None:
    with shop.serve() as served:
        (answer,) = ask(served)
    file = shop.folder / "models" / "model.py"
    file.write_text(file.read_text().replace('rows["price_usd"] / rows["rooms"]', 'rows["price_usd"] * 2'))
    with shop.serve() as served:
        found = shown(served, str(answer["id"]))
    assert found["replay"] is None
    assert "The code was changed since" in str(found["why"])


def test_rules_that_were_changed_give_another_number_and_say_so(shop: Shop) -> None:
    with shop.serve() as served:
        (answer,) = ask(served)
    file = shop.folder / "models" / "model.py"
    file.write_text(file.read_text().replace("0 + 0.1", "0 + 0.2"))
    with shop.serve() as served:
        found = shown(served, str(answer["id"]))
    assert found["score"] == answer["score"] == 0.1
    assert found["replay"] == {"score": 0.2, "same": False}
    assert "changed since" in str(found["why"])


Make = Callable[[int], Any]
TREES: dict[str, Any] = {"n_estimators": 40, "max_depth": 4, "random_state": 0}
KINDS: dict[str, tuple[Callable[[Path], ModelSpec], Make]] = {
    "linear": (home_spec, logistic),
    "linear value": (days_spec, ridge),
    "linear classes": (band_spec, logistic),
    "xgboost as onnx": (home_spec, lambda seed: XGBClassifier(**TREES)),
    "xgboost itself": (home_spec, lambda seed: XGBClassifier(booster="dart", rate_drop=0.3, **TREES)),
    "xgboost classes": (band_spec, lambda seed: XGBClassifier(booster="dart", rate_drop=0.3, **TREES)),
}


def bundle_of(kind: str, folder: Path) -> tuple[Bundle, Frame]:
    make, estimator = KINDS[kind]
    spec = replace(make(write_homes(folder / "homes.csv", rows=800)), estimator=estimator)
    parts = split_by_time(spec, extract(spec, None, as_of=datetime.now(UTC)))
    bundle, _ = write_bundle(fit(spec, parts), parts, folder / "bundle")
    return bundle, parts.train.features


@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_were_scored_in_batches_of_any_size_give_the_same_bits(
    kind: str, tmp_path: Path, database: Database
) -> None:
    bundle, features = bundle_of(kind, tmp_path)
    predictor, again = open_predictor(bundle, "1"), open_predictor(bundle, "1")
    writer = PredictionWriter(lambda: database.url)
    other = np.random.default_rng(1)
    checked = 0
    for size in (1, 2, 3, 5, 8, 64, 333):
        frame = features.take(other.choice(len(features), size, replace=False))
        rows = answered(size, features=frame)
        rows = replace(rows, scores=sign(predictor.predict_many(frame), predictor))
        record = encoding.predictions(rows)
        writer.write(rows_of(record.content, dict(read(content) for _, content in record.contexts)))
        with database.begin() as connection:
            for id_, score in zip(rows.ids[:40], rows.scores.score.tolist(), strict=False):
                prediction = find(connection, id_)
                assert prediction is not None
                replay = scored_again(prediction, again, bundle.features)
                assert (replay.score, replay.same) == (score, True), size
                checked += 1
    writer.close()
    some = features.take(np.arange(60))
    together = predictor.predict_many(some).score
    alone = np.concatenate([predictor.predict_many(some.take(np.array([i]))).score for i in range(60)])
    assert np.abs(alone - together).max() <= (0.0 if "xgboost" in kind else 1e-6 * max(1.0, together.max()))
    assert checked == 1 + 2 + 3 + 5 + 8 + 40 + 40

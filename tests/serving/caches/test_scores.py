"""Scores of slow models that are kept: the same scores, of the right version, for less work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from estate.bundles import Bundle, OnnxPredictor
from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy, Scores
from estate.core.predictor import Predictor
from estate.core.rollout import Rollout, RolloutKind
from serving.answering import Answering
from serving.caches import MemoryCache
from serving.caches.slow_models import SlowModels
from serving.metrics import Metrics
from serving.predictors.cached import Cached, KeptScore
from tests.serving.shop import ROW, Shop, score_of


class Sum:
    """Adds a row up, and remembers which rows it was asked for."""

    def __init__(self, version: str = "1", classes: tuple[str, ...] = ()) -> None:
        self.version, self.answered_by = version, AnsweredBy.MODEL
        self.classes, self.asked = classes, list[list[float]]()
        self.error: Exception | None = None

    def predict_many(self, features: Frame) -> Scores:
        if self.error is not None:
            raise self.error
        self.asked.append(features["a"].tolist())
        total = features["a"] + features["b"]
        if not self.classes:
            return Scores(total)
        probabilities = np.stack([total / 10, 1 - total / 10], axis=1)
        return Scores(probabilities.max(axis=1), probabilities, self.classes)


def store() -> MemoryCache[KeptScore]:
    return MemoryCache(most_bytes=1 << 20, keep_seconds=100, size=lambda kept: kept.size)


def around(inner: Predictor, cache: MemoryCache[KeptScore] | None = None, name: str = "d1") -> Cached:
    def encode(frame: Frame) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return np.stack([frame["a"], frame["b"]], axis=1).astype(np.float32)

    return Cached(inner, encode=encode, cache=store() if cache is None else cache, name=name)


def rows(*values: float) -> Frame:
    return Frame.of({"a": list(values), "b": [1.0] * len(values)})


def test_only_rows_that_are_new_are_scored_each_once() -> None:
    inner = Sum()
    cached = around(inner)
    assert cached.predict_many(rows(1, 2)).score.tolist() == [2, 3]
    assert cached.predict_many(rows(2, 3, 3, 1, 4)).score.tolist() == [3, 4, 4, 2, 5]
    assert cached.predict_many(rows(4, 1)).score.tolist() == [5, 2]
    assert inner.asked == [[1, 2], [3, 4]]


def test_classes_and_probabilities_come_back_to_the_bit() -> None:
    cached = around(Sum(classes=("yes", "no")))
    first, again = cached.predict_many(rows(1, 7, 3)), cached.predict_many(rows(3, 1, 7))
    assert first.probabilities is not None
    assert again.probabilities is not None
    assert again.probabilities.tobytes() == first.probabilities[[2, 0, 1]].tobytes()
    assert again.labels() == ["no", "no", "yes"]
    assert again.score.tolist() == first.score[[2, 0, 1]].tolist()


def test_each_version_and_each_bundle_has_its_own_scores() -> None:
    cache = store()
    one, two = Sum("1"), Sum("2")
    for cached in (around(one, cache), around(two, cache), around(Sum("1"), cache, "d2")):
        assert isinstance(cached.inner, Sum)
        cached.predict_many(rows(1))
        assert len(cached.inner.asked) == 1
    around(one, cache).predict_many(rows(1))
    assert len(one.asked) == 1


def test_an_error_is_passed_on_and_nothing_is_kept() -> None:
    inner = Sum()
    cached = around(inner)
    inner.error = ValueError("no")
    for frame in (rows(1), rows(1, 1)):
        with pytest.raises(ValueError, match="no"):
            cached.predict_many(frame)
    inner.error = None
    assert cached.predict_many(rows(1)).score.tolist() == [2]


def test_no_rows_is_no_scores() -> None:
    assert len(around(Sum()).predict_many(rows()).score) == 0


def test_missing_values_and_signs_of_zero_are_told_apart_or_score_the_same() -> None:
    cached = around(Sum())
    scores = cached.predict_many(rows(np.nan, 0.0, -0.0, 1e-300, np.inf))
    again = cached.predict_many(rows(np.inf, 1e-300, -0.0, 0.0, np.nan))
    assert again.score.tobytes() == scores.score[::-1].tobytes()


@pytest.mark.parametrize(("above", "is_kept"), [(0.0, False), (1e-9, True), (60.0, False)])
def test_only_a_model_that_takes_longer_has_its_scores_kept(above: float, is_kept: bool, shop: Shop) -> None:
    bundle = Bundle.open(shop.train("7"))
    answering = Answering(predictor=OnnxPredictor(bundle, "7"), bundle=bundle)
    made = SlowModels(above_seconds=above, most_bytes=1 << 20, metrics=Metrics()).around(answering)
    assert isinstance(made.predictor, Cached) == is_kept


def test_rules_have_none() -> None:
    answering = Answering(predictor=Sum())
    slow = SlowModels(above_seconds=1e-9, most_bytes=1 << 20, metrics=Metrics())
    assert slow.around(answering) is answering


def everything_is_slow(shop: Shop) -> Shop:
    return replace(shop, settings=shop.settings.model_copy(update={"cache_scores_above_ms": 1e-6}))


def test_a_promotion_and_a_rollback_are_answered_by_their_own_version(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    with everything_is_slow(shop).serve() as served:
        for version in ("1", "2", "1", "2"):
            shop.promote(version)
            served.wait_for_version(version)
            for _ in range(3):
                answer = served.predict().json()
                assert (answer["version"], answer["predictions"][0]["score"]) == (
                    version, pytest.approx(score_of(version), abs=1e-6)
                )  # fmt: skip
        assert served.metric("leadloop_cache_hits_total") > 0


def test_a_canary_and_the_present_version_never_answer_for_each_other(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    cases = [{**ROW, "case_id": f"case-{i}"} for i in range(40)]  # the same values: one name in the cache
    with everything_is_slow(shop).serve() as served:
        served.wait_for_version("1")
        served.predict(*cases)  # the present version's are kept
        shop.wait_ready(shop.start("2", Rollout(kind=RolloutKind.CANARY, share=0.5)))
        seen = set()
        for _ in range(5):
            answer = served.predict(*cases).json()
            for found in answer["predictions"]:
                version = found.get("version", answer["version"])
                assert found["score"] == pytest.approx(score_of(version), abs=1e-6)
                seen.add(version)
    assert seen == {"1", "2"}


def test_a_shadow_is_timed_against_the_present_version_without_its_cache(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    with everything_is_slow(shop).serve() as served:
        served.wait_for_version("1")
        served.predict()
        shop.wait_ready(shop.start("2", Rollout(kind=RolloutKind.SHADOW, share=1.0)))
        hits = served.metric("leadloop_cache_hits_total")
        for _ in range(5):
            served.predict()
        assert served.metric("leadloop_cache_hits_total") == hits

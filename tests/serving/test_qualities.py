"""What answers say beside the score: looked up in the bundle of whoever gave each of them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from estate.bundles.bundle_predictor import BundlePredictor
from estate.core.frame import Numbers
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy
from estate.training.bundling import write_bundle
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.split import split_by_time
from serving.answering import Answering, by_bundle
from serving.explained import Explained
from serving.predictors import Checked, MixedScores, SignedScores, sign
from serving.qualities import FEW_ROWS, Qualities, nobody, qualities_of
from serving.schema import Answer
from tests.specs import band_spec, days_spec, home_spec, write_homes

Learn = Callable[[ModelSpec, str], Answering]


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_homes(tmp_path_factory.mktemp("homes") / "homes.csv")


@pytest.fixture(scope="module")
def learn(tmp_path_factory: pytest.TempPathFactory) -> Learn:
    def learn(spec: ModelSpec, version: str) -> Answering:
        parts = split_by_time(spec, extract(spec, None, as_of=datetime(2026, 1, 1, tzinfo=UTC)))
        bundle, _ = write_bundle(fit(spec, parts), parts, tmp_path_factory.mktemp(spec.name) / "bundle")
        return by_bundle(spec, bundle, version, AnsweredBy.MODEL)

    return learn


@pytest.fixture(scope="module")
def binary(homes: Path, learn: Learn) -> Answering:
    return learn(home_spec(homes), "1")


@pytest.fixture(scope="module")
def other(homes: Path, learn: Learn) -> Answering:
    return learn(home_spec(homes, bands=(0.5,), seed=1), "2")


def signed(score: Numbers, version: str = "1") -> SignedScores:
    return SignedScores(score, version=version, answered_by=AnsweredBy.MODEL)


def test_few_rows_and_many_are_told_the_same(binary: Answering, homes: Path) -> None:
    score = np.random.default_rng(0).random(500)
    many = qualities_of(signed(score), binary, home_spec(homes))
    assert many.bands is not None
    assert many.intervals is not None
    for start in range(0, 500, FEW_ROWS):
        few = qualities_of(signed(score[start : start + FEW_ROWS]), binary, home_spec(homes))
        assert few.bands == many.bands[start : start + FEW_ROWS]
        assert few.intervals == many.intervals[start : start + FEW_ROWS]
    assert set(many.bands) == {"low", "medium", "high"}
    assert many.plausible_labels is None


@pytest.mark.parametrize("rows", [0, 1, 100])
def test_a_value_has_an_interval_around_it_and_no_band(rows: int, homes: Path, learn: Learn) -> None:
    spec = days_spec(homes)
    found = qualities_of(signed(np.linspace(20, 60, rows)), learn(spec, "1"), spec)
    assert found.bands is None
    assert found.intervals is not None
    ends = [ends for ends in found.intervals if ends is not None]
    assert len(ends) == rows
    middle = [(low + high) / 2 for low, high in ends]
    assert middle == pytest.approx(np.linspace(20, 60, rows).tolist())


def test_a_class_has_the_labels_among_which_it_is(homes: Path, learn: Learn) -> None:
    spec = replace(band_spec(homes), interval=0.99)
    answering = learn(spec, "1")
    assert answering.bundle is not None
    scores = sign(
        answering.predictor.predict_many(answering.bundle.reference().features), answering.predictor
    )
    found = qualities_of(scores, answering, spec)
    assert (found.bands, found.intervals) == (None, None)
    assert found.plausible_labels is not None
    assert [labels[0] for labels in found.plausible_labels if labels] == scores.labels()
    assert {len(labels) for labels in found.plausible_labels if labels} >= {1, 2}


def test_rules_have_no_interval_and_bands_only_by_the_spec(binary: Answering, homes: Path) -> None:
    by_rules = SignedScores(np.array([0.1, 0.9]))
    spec = home_spec(homes)
    assert qualities_of(by_rules, binary, spec) == Qualities()
    assert qualities_of(by_rules, binary, replace(spec, bands=(0.5,))) == Qualities(["low", "high"])


def test_an_old_bundle_says_only_what_the_spec_says(binary: Answering, homes: Path) -> None:
    assert binary.bundle is not None
    old = replace(binary, bundle=replace(binary.bundle, interval=None, bands=None))
    assert qualities_of(signed(np.array([0.1])), old, home_spec(homes)) == Qualities()


def test_each_row_of_a_canary_is_told_by_the_version_that_answered_it(
    binary: Answering, other: Answering, homes: Path
) -> None:
    spec, score = home_spec(homes), np.linspace(0.05, 0.95, 60)
    new = np.arange(60) % 3 == 0
    mixed = MixedScores.of(signed(score[~new]), signed(score[new], "2"), new)
    found = qualities_of(mixed, binary, spec, {"2": other}.get)
    ours, theirs = qualities_of(signed(score), binary, spec), qualities_of(signed(score, "2"), other, spec)
    assert found.bands is not None
    assert found.intervals is not None
    for name in ("bands", "intervals"):
        own, from_other = getattr(ours, name), getattr(theirs, name)
        assert getattr(found, name) == [
            b if turn else a for a, b, turn in zip(own, from_other, new, strict=True)
        ]
    alone = qualities_of(mixed, binary, spec, nobody)  # it was put out of service meanwhile
    assert alone.intervals is not None
    assert [ends is None for ends in alone.intervals] == new.tolist()


def test_reasons_are_of_whoever_answered_and_none_of_rules(
    binary: Answering, other: Answering, homes: Path
) -> None:
    assert binary.bundle is not None
    spec, explained = home_spec(homes), Explained()
    rows = binary.bundle.reference().features.take(np.arange(9))
    new = np.arange(9) % 2 == 0
    ours, theirs = (sign(by.predictor.predict_many(rows), by.predictor) for by in (binary, other))
    present = signed(ours.score[~new])
    mixed = MixedScores.of(present, signed(theirs.score[new], "2"), new)
    found = explained.reasons_of(rows, mixed, binary, spec, {"2": other}.get)
    from_ours = explained.reasons_of(rows, ours, binary, spec)
    from_other = explained.reasons_of(rows, theirs, other, spec)
    assert found == [b if turn else a for a, b, turn in zip(from_ours, from_other, new, strict=True)]
    assert from_ours[0]
    assert {reason.unit for reason in from_ours[0]} == {"log_odds"}
    fallback = MixedScores.of(SignedScores(ours.score[~new]), signed(theirs.score[new], "2"), new)
    assert [r is None for r in explained.reasons_of(rows, fallback, other, spec)] == (~new).tolist()
    answer = Answer("i", 0.5, band="low", interval=(0.1, 0.2), reasons=from_ours[0])
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer) == answer


def test_wrapped_predictors_are_not_explained(binary: Answering, homes: Path) -> None:
    assert binary.bundle is not None
    rows = binary.bundle.reference().features.take(np.arange(2))
    wrapped = replace(binary, predictor=Checked(binary.predictor))
    assert Explained().reasons_of(rows, signed(np.array([0.1, 0.2])), wrapped, home_spec(homes)) == [
        None,
        None,
    ]


def test_a_version_that_is_gone_is_forgotten(homes: Path, learn: Learn) -> None:
    spec, explained = home_spec(homes), Explained()
    answering = learn(spec, "1")
    assert answering.bundle is not None
    assert isinstance(answering.predictor, BundlePredictor)
    rows = answering.bundle.reference().features.take(np.arange(2))
    assert explained.reasons_of(rows, signed(np.array([0.1, 0.2])), answering, spec)[0]
    gone = weakref.ref(answering.predictor)
    del answering
    gc.collect()
    assert gone() is None

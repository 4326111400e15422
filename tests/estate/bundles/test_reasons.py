"""Reasons of trained models: exact where that is known, as XGBoost's own where it is not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from estate.bundles import Bundle, BundlePredictor, open_predictor
from estate.bundles.reasons import EACH, POOL, Reasons
from estate.bundles.words import titles
from estate.catalog import load_specs
from estate.core.frame import Frame, Numbers
from estate.core.model_spec import ModelSpec
from estate.training.bundling import write_bundle
from estate.training.extract import extract
from estate.training.fit import Trained, fit
from estate.training.split import split_by_time
from tests.behaviour.test_public_data import HEAD, HOUSES
from tests.specs import band_spec, days_spec, home_spec, write_homes

TREES: dict[str, Any] = {"n_estimators": 100, "max_depth": 4, "learning_rate": 0.1, "random_state": 0}


class Learned:
    """A trained model, with what explains it."""

    def __init__(self, spec: ModelSpec, folder: Path) -> None:
        parts = split_by_time(spec, extract(spec, None, as_of=datetime(2026, 1, 1, tzinfo=UTC)))
        self.trained: Trained = fit(spec, parts)
        self.bundle: Bundle = write_bundle(self.trained, parts, folder)[0]
        self.predictor: BundlePredictor = open_predictor(self.bundle, "1")
        self.reasons = Reasons(self.bundle, titles(spec.features))
        self.rows: Frame = parts.holdout.features.take(np.arange(60))

    def contributions(self) -> tuple[Numbers, Numbers]:
        return self.reasons.contributions(self.rows, self.predictor)


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_homes(tmp_path_factory.mktemp("homes") / "homes.csv")


@pytest.fixture(scope="module")
def boosted(homes: Path, tmp_path_factory: pytest.TempPathFactory) -> Learned:
    spec = home_spec(homes, estimator=lambda seed: xgboost.XGBClassifier(**TREES))
    return Learned(spec, tmp_path_factory.mktemp("boosted"))


def log_odds(p: Numbers) -> Numbers:
    found: Numbers = np.log(p) - np.log1p(-p)
    return found


def tree_shap(learned: Learned) -> Numbers:
    """Return XGBoost's own contributions, of each feature whole: not of its indicator columns."""
    matrix = learned.bundle.encoder.matrix(learned.rows)
    booster = learned.trained.estimator.get_booster()
    by_column = booster.predict(xgboost.DMatrix(matrix), pred_contribs=True)[:, :-1]
    ends = np.cumsum([len(column.names) for column in learned.bundle.encoder.columns])
    return np.stack([part.sum(axis=1) for part in np.split(by_column, ends[:-1], axis=1)], axis=1)


def test_contributions_lead_from_the_mean_to_the_score(boosted: Learned) -> None:
    contributions, base = boosted.contributions()
    score = boosted.predictor.predict_many(boosted.rows).score
    assert contributions.sum(axis=1) + base == pytest.approx(log_odds(score), abs=1e-5)
    mean = log_odds(boosted.bundle.reference().scores).mean()
    assert base[0] == pytest.approx(mean, abs=0.2)


def test_trees_are_explained_as_xgboost_explains_them(boosted: Learned) -> None:
    contributions, _ = boosted.contributions()
    theirs = tree_shap(boosted)
    # Not the same question: XGBoost follows its trees where a feature is left out, here it is another row's.
    assert np.corrcoef(contributions.ravel(), theirs.ravel())[0, 1] > 0.97
    leading = np.abs(contributions).argmax(axis=1) == np.abs(theirs).argmax(axis=1)
    assert leading.mean() > 0.75


@pytest.mark.thorough
def test_real_trees_are_explained_as_xgboost_explains_them(
    public_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADLOOP_PUBLIC_DATA", str(public_data.resolve()))
    (tmp_path / "model.py").write_text(HEAD + HOUSES)
    learned = Learned(load_specs(tmp_path / "model.py")[0], tmp_path / "bundle")
    contributions, _ = learned.contributions()
    theirs = tree_shap(learned)
    agreement = [np.corrcoef(ours, own)[0, 1] for ours, own in zip(contributions, theirs, strict=True)]
    assert np.mean(agreement) > 0.97
    leading = [np.argsort(-np.abs(found), axis=1)[:, :3] for found in (contributions, theirs)]
    shared = [len({*ours} & {*own}) / 3 for ours, own in zip(*map(np.ndarray.tolist, leading), strict=True)]
    assert np.mean(shared) > 0.85


def test_a_linear_model_is_explained_exactly(homes: Path, tmp_path: Path) -> None:
    learned = Learned(days_spec(homes), tmp_path)
    contributions, base = learned.contributions()
    reference = learned.bundle.reference().features
    every = np.linspace(0, len(reference) - 1, min(POOL, len(reference))).astype(np.intp)
    pipeline, encoder = learned.trained.estimator, learned.bundle.encoder
    weights = pipeline[-1].coef_
    mine = pipeline[:-1].transform(encoder.matrix(learned.rows)) * weights
    usual = (pipeline[:-1].transform(encoder.matrix(reference.take(every))) * weights).mean(axis=0)
    ends = np.cumsum([len(column.names) for column in encoder.columns])
    exact = np.stack([p.sum(axis=1) for p in np.split(mine - usual, ends[:-1], axis=1)], axis=1)
    assert contributions == pytest.approx(exact, abs=1e-4)  # float32 of values around 40
    assert base[0] == pytest.approx(pipeline[-1].intercept_ + usual.sum(), abs=1e-4)


def test_reasons_are_told_in_words_and_in_order(boosted: Learned) -> None:
    explained = boosted.reasons.explain(boosted.rows, boosted.predictor)
    assert len(explained) == len(boosted.rows)
    for reasons in explained:
        sizes = [abs(reason.contribution) for reason in reasons]
        assert sizes == sorted(sizes, reverse=True)
        for direction in ("for", "against"):
            assert len([r for r in reasons if r.direction == direction]) <= EACH
        assert all((r.contribution > 0) == (r.direction == "for") for r in reasons)
    rooms = Frame.of({"rooms": [6.0], "price_usd": [100_000.0], "price_per_room_usd": [16_667.0]})
    area = np.array(["north"], dtype=object)
    (best,) = boosted.reasons.explain(Frame({**rooms.columns, "area": area}, 1), boosted.predictor, each=4)
    told = {reason.feature: reason for reason in best}
    assert told["area"].text == "Area: north"
    assert told["area"].direction == "for"  # as the made-up homes are
    assert told["price_usd"].text.startswith("Price in USD: 100,000, usually 2")
    assert all(reason.text.startswith("A derived column") for reason in best if "per" in reason.feature)


def test_what_is_not_known_is_said_so(boosted: Learned) -> None:
    columns = {name: np.array([np.nan]) for name in ("rooms", "price_usd", "price_per_room_usd")}
    unknown = Frame({**columns, "area": np.array([None], dtype=object)}, 1)
    (reasons,) = boosted.reasons.explain(unknown, boosted.predictor)
    assert reasons
    assert all(reason.text.endswith(": not known") for reason in reasons)


def test_the_same_case_has_the_same_reasons_in_every_process_and_thread(boosted: Learned) -> None:
    again = Reasons(boosted.bundle, titles(boosted.trained.spec.features))
    predictor = open_predictor(Bundle.open(boosted.bundle.folder), "7")

    def explain(_: int) -> object:
        return again.explain(boosted.rows, predictor)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(explain, range(8)))
    assert all(reasons == boosted.reasons.explain(boosted.rows, boosted.predictor) for reasons in found)
    assert again.explain(boosted.rows.take(np.arange(0)), predictor) == []


def test_xgboosts_own_format_is_explained_alike(homes: Path, tmp_path: Path) -> None:
    dart = xgboost.XGBClassifier(booster="dart", rate_drop=0.1, **{**TREES, "n_estimators": 30})
    learned = Learned(home_spec(homes, estimator=lambda seed: dart), tmp_path)
    assert learned.bundle.format == "xgboost"
    contributions, base = learned.contributions()
    score = learned.predictor.predict_many(learned.rows).score
    assert contributions.sum(axis=1) + base == pytest.approx(log_odds(score), abs=1e-5)


def test_of_several_classes_the_most_likely_one_is_explained(homes: Path, tmp_path: Path) -> None:
    learned = Learned(band_spec(homes), tmp_path)
    contributions, base = learned.contributions()
    score = learned.predictor.predict_many(learned.rows).score
    assert contributions.sum(axis=1) + base == pytest.approx(
        log_odds(np.clip(score, 1e-6, 1 - 1e-6)), abs=1e-5
    )
    assert len(set(base.tolist())) == 3  # each class is counted from its own mean


def test_features_of_another_spec_are_told_by_their_names(boosted: Learned) -> None:
    nameless = Reasons(boosted.bundle, {})
    (reasons, *_) = nameless.explain(boosted.rows, boosted.predictor)
    assert {reason.text.split(":")[0] for reason in reasons} <= {
        *("Rooms", "Price in USD", "Price per room in USD", "Area")
    }
    assert replace(reasons[0], text="") in [
        replace(r, text="") for r in boosted.reasons.explain(boosted.rows, boosted.predictor)[0]
    ]

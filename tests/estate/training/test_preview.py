"""What a change of versions would move, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from estate.bundles import OnnxPredictor, RulesPredictor
from estate.core.frame import Frame, Numbers
from estate.core.prediction import AnsweredBy, Prediction
from estate.services.lead_scoring.model import SPEC as LEADS
from estate.store.database import Database
from estate.store.facts import write_facts
from estate.store.predictions import write_many
from estate.training.bundling import write_bundle
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.moves import Pair
from estate.training.preview import Cases, NoPreview, Preview
from estate.training.preview import compare as any_compare
from estate.training.preview_cases import cases_of_today
from estate.training.split import split_by_time
from tests.specs import band_spec, days_spec, home_spec, write_homes

NOW = datetime(2026, 3, 1, tzinfo=UTC)
REFERENCE = Frame.of({"rooms": [1.0, 3.0, 5.0, None], "area": ["north", "south", "south", None]})


def rules(rule: Callable[[Frame], Numbers]) -> RulesPredictor:
    return RulesPredictor(home_spec(Path("homes.csv"), rules=rule))


def per_room(rows: Frame) -> Numbers:
    return np.asarray(rows["rooms"] / 10)


def compare(pair: Pair, cases: Cases, *, bands: tuple[float, ...] = ()) -> Preview:
    found = any_compare(pair, cases, bands=bands)
    assert isinstance(found, Preview)
    return found


def five_homes() -> Cases:
    rooms, areas = [1.0, 2.0, 3.0, 4.0, 6.0], ["north", "south", "south", "west", "north"]
    return Cases(Frame.of({"rooms": rooms, "area": areas}), ("a", "b", "c", "d", "e"), "5 homes")


def test_nothing_moves_if_nothing_differs() -> None:
    same = compare(Pair(rules(per_room), rules(per_room), REFERENCE), five_homes())
    assert (same.movers, same.changed_band, same.change_mean, same.change_p95) == ((), 0, 0.0, 0.0)
    assert same.rank_correlation == pytest.approx(1.0)


def test_known_numbers() -> None:
    def after(rows: Frame) -> Numbers:
        return np.asarray(per_room(rows) + 0.3 * (rows["area"] == "north"))

    found = compare(Pair(rules(per_room), rules(after), REFERENCE), five_homes(), bands=(0.25, 0.5))
    assert found.bands == ("low", "medium", "high")
    # before: 0.1 0.2 0.3 0.4 0.6; after: 0.4 0.2 0.3 0.4 0.9
    assert found.moved == ((1, 1, 0), (0, 2, 0), (0, 0, 1))
    assert (found.rows, found.changed_band, found.cases) == (5, 1, "5 homes")
    assert found.change_mean == pytest.approx(0.12)
    assert found.change_p95 == pytest.approx(0.3)
    # ranks before 1 2 3 4 5, after 3.5 1 2 3.5 5
    assert found.rank_correlation == pytest.approx(np.corrcoef([1, 2, 3, 4, 5], [3.5, 1, 2, 3.5, 5])[0, 1])


def test_reasons_point_at_the_feature_that_differs_with_sign_and_size() -> None:
    def after(rows: Frame) -> Numbers:
        return np.asarray(per_room(rows) + 0.3 * (rows["area"] == "north"))

    found = compare(Pair(rules(per_room), rules(after), REFERENCE), five_homes())
    assert [mover.entity_id for mover in found.movers] == ["a", "e"]  # as large, so in the order of ids
    for mover in found.movers:
        (reason,) = mover.reasons  # rooms count the same in both
        # One of the four reference rows is in the north too: a quarter of the move would be left.
        assert reason.feature == "area"
        assert reason.amount == pytest.approx(0.225)
    assert found.movers[0].before == pytest.approx(0.1)
    assert found.movers[0].after == pytest.approx(0.4)


def test_a_fall_has_a_negative_reason() -> None:
    found = compare(Pair(rules(per_room), rules(lambda rows: np.zeros(len(rows))), REFERENCE), five_homes())
    biggest = found.movers[0]
    assert biggest.entity_id == "e"
    assert biggest.after - biggest.before == pytest.approx(-0.6)
    # With the 3 rooms that the reference has on average the fall would be 0.3.
    assert biggest.reasons[0].feature == "rooms"
    assert biggest.reasons[0].amount == pytest.approx(-0.3)
    assert found.rank_correlation is None  # one score for all: no order


@pytest.mark.parametrize(
    ("bands", "names"),
    [
        ((), ("low", "medium", "high")),
        ((0.5,), ("low", "high")),
        ((0.1, 0.2, 0.3), ("1 of 4", "2 of 4", "3 of 4", "4 of 4")),
    ],
)
def test_bands_have_names(bands: tuple[float, ...], names: tuple[str, ...]) -> None:
    found = compare(Pair(rules(per_room), rules(per_room), REFERENCE), five_homes(), bands=bands)
    assert found.bands == names
    assert len(found.edges) == len(names) - 1
    assert sum(map(sum, found.moved)) == 5


def test_at_most_ten_movers_and_three_reasons_are_named() -> None:
    random = np.random.default_rng(0)
    names = [f"x{i}" for i in range(6)]
    features = Frame.of({name: random.normal(size=40) for name in names})

    def after(rows: Frame) -> Numbers:
        return np.clip(0.5 + sum(rows[name] * 0.02 for name in names), 0, 1)

    pair = Pair(rules(lambda rows: np.full(len(rows), 0.5)), rules(after), features)
    found = compare(pair, Cases(features, tuple(str(i) for i in range(40)), "40"))
    assert len(found.movers) == 10
    moves = [abs(mover.after - mover.before) for mover in found.movers]
    assert moves == sorted(moves, reverse=True)
    for mover in found.movers:
        sizes = [abs(reason.amount) for reason in mover.reasons]
        assert len(sizes) == 3
        assert sizes == sorted(sizes, reverse=True)


def test_a_case_without_an_answer_is_left_out() -> None:
    cases = Cases(Frame.of({"rooms": [1.0, None]}), ("a", "b"), "2 homes")
    half = rules(lambda rows: np.asarray(rows["rooms"] / 20))
    found = compare(Pair(rules(per_room), half, REFERENCE.select(("rooms",))), cases)
    assert (found.rows, [mover.entity_id for mover in found.movers]) == (1, ["a"])
    none = Cases(Frame.of({"rooms": [None]}), ("b",), "1 home")
    assert any_compare(Pair(rules(per_room), half, REFERENCE), none) == NoPreview(
        "none of 1 home is scored by both"
    )


@pytest.mark.parametrize("make", [home_spec, days_spec, band_spec])
def test_two_trained_versions_that_differ_in_one_feature(make: Callable[..., object], tmp_path: Path) -> None:
    """The second one learned from a table in which `north` and `south` have changed places."""
    path = write_homes(tmp_path / "homes.csv", rows=1500)
    other = tmp_path / "swapped.csv"
    table = pd.read_csv(path)
    table["area"] = table["area"].replace({"north": "south", "south": "north"})
    table.to_csv(other, index=False)
    predictors = []
    for number, file in enumerate((path, other)):
        spec = make(file)
        data = extract(spec, None, as_of=NOW)  # type: ignore[arg-type]
        parts = split_by_time(spec, data)  # type: ignore[arg-type]
        bundle, _ = write_bundle(fit(spec, parts), parts, tmp_path / f"bundle{number}")  # type: ignore[arg-type]
        predictors.append(OnnxPredictor(bundle, str(number + 1)))
    before, after = predictors
    features = parts.holdout.features
    ids = tuple(str(i) for i in range(len(features)))
    found = compare(Pair(before, after, after.bundle.reference().features), Cases(features, ids, "homes"))
    assert (found.before, found.after, found.rows) == ("1", "2", len(features))
    assert len(found.movers) == 10
    assert {mover.reasons[0].feature for mover in found.movers} == {"area"}
    if make is band_spec:
        assert set(found.bands) == {"cold", "warm", "hot"}
        assert found.edges == ()


def test_cases_of_a_table_are_the_latest_answers_each_case_once(database: Database) -> None:
    spec = home_spec(Path("homes.csv"))
    assert cases_of_today(database, spec, as_of=NOW) == NoPreview("nobody has asked `home_sale` yet")
    common = {
        "model": spec.name,
        "version": "1",
        "answered_by": AnsweredBy.MODEL,
        "score": 0.5,
        "label": None,
    }
    rows = [
        Prediction(
            **common,  # type: ignore[arg-type]
            prediction_id=f"00000000-0000-0000-0000-{number:012d}",
            entity_id=case,
            features={"rooms": rooms, "price_usd": None, "price_per_room_usd": 1.0, "area": "north"},
            fingerprint=spec.features.fingerprint if case != "old" else "other",
            at=NOW - timedelta(hours=hours),
        )
        for number, (case, rooms, hours) in enumerate(
            [("a", 1.0, 3), ("a", 2.0, 1), ("b", 3.0, 2), ("old", 9.0, 2), (None, 4.0, 4), ("later", 5.0, -1)]
        )
    ]
    with database.begin() as connection:
        write_many(connection, rows)
    found = cases_of_today(database, spec, as_of=NOW)
    assert isinstance(found, Cases)
    seen = dict(zip(found.ids, found.features["rooms"].tolist(), strict=True))
    assert seen == {"a": 2.0, "b": 3.0, rows[4].prediction_id: 4.0}
    assert np.isnan(found.features["price_usd"]).all()
    assert found.features["area"].tolist() == ["north"] * 3
    changed = replace(spec, features=replace(spec.features, numbers=("rooms",)))
    other = cases_of_today(database, changed, as_of=NOW)
    assert isinstance(other, NoPreview)
    assert "since its features were changed" in other.why


def test_cases_of_leads_are_those_that_the_model_judges_now(database: Database) -> None:
    days = {"young": 0.5, "ripe": 20.0, "riper": 21.0, "over": 400.0, "won": 20.0}
    moments = [NOW - timedelta(days=age) for age in days.values()]
    leads = pd.DataFrame(
        {"lead_id": list(days), "event_at": moments, "recorded_at": moments, "budget_usd": 3e5}
    )
    won = {
        "outcome_id": ["o"],
        "lead_id": ["won"],
        "kind": ["converted"],
        "event_at": [NOW],
        "recorded_at": [NOW],
    }
    with database.begin() as connection:
        write_facts(connection, "leads", leads)
        write_facts(connection, "outcomes", pd.DataFrame(won))
    found = cases_of_today(database, LEADS, as_of=NOW)
    assert isinstance(found, Cases)
    assert found.ids == ("ripe", "riper")  # the newest first
    assert found.said == "2 open leads of 2026-03-01 00:00 UTC"
    assert set(LEADS.features.names) == set(found.features.columns)
    none = cases_of_today(database, LEADS, as_of=NOW - timedelta(days=1000))
    assert isinstance(none, NoPreview)

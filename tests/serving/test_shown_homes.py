"""What is kept of the homes that somebody was shown, over HTTP and in the file of every night."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import numpy as np
import pytest
import sqlalchemy as sa

from estate.core.clock import now
from estate.core.frame import Frame
from estate.core.pair_id import pair_id
from estate.core.prediction import AnsweredBy, Prediction, Scores
from estate.datasets.world import World, simulate_into
from estate.intake.outcomes import take_outcomes
from estate.services.property_matching.model import CHOICE, SPECS
from estate.services.property_matching.schema import Request
from estate.store.open_leads import open_lead_ids
from estate.store.predictions import read_recent
from serving.answering import Answering
from serving.batch.matches_file import write_matches
from serving.home_models import asking
from serving.models import ServedModel
from serving.predictors import Cases
from tests.serving.shop import Shop, wait_for

DAYS = 12
NAMES = [spec.name for spec in SPECS]
ANY = {"max_price": 1e9, "bedrooms": 0}


@pytest.fixture
def desk(shop: Shop) -> Shop:
    """Return a shop whose leads came until yesterday."""
    world = World(seed=4, leads_per_day=5, days=DAYS, start=(now() - timedelta(days=DAYS)).date())
    simulate_into(shop.database, world, home=shop.settings.home)
    return shop


def a_lead(desk: Shop) -> str:
    with desk.database.begin() as connection:
        return open_lead_ids(connection, as_of=now())[-1]


def kept(desk: Shop, model: str) -> list[Prediction]:
    with desk.database.begin() as connection:
        return read_recent(connection, model, limit=100_000)


def test_each_home_of_an_answer_is_one_prediction_of_each_model(desk: Shop) -> None:
    lead = a_lead(desk)
    with desk.serve() as served:
        answer = served.client.get(f"/v1/leads/{lead}/matches", params={**ANY, "k": 4}).json()
        assert answer["fitting"] > 4, "more were scored than are shown"
    homes = {pair_id(lead, home["property_id"]): home for home in answer["homes"]}
    said = {CHOICE.name: "score", "home_interest": "p_save", "home_viewing": "p_tour"}
    for spec in SPECS:
        rows = kept(desk, spec.name)
        scores = {row.entity_id: row.score for row in rows}
        assert len(rows) == 4
        assert scores == {case: home[said[spec.name]] for case, home in homes.items()}
        assert {(row.version, row.answered_by) for row in rows} == {("rules", AnsweredBy.RULES)}
        assert {row.fingerprint for row in rows} == {spec.features.fingerprint}
        for row in rows:
            home = homes[str(row.entity_id)]
            assert row.features["price_per_sqft_usd"] == home["price_usd"] / home["living_area_sqft"]
            again = spec.rules(frame_of(row.features))  # type: ignore[misc]
            assert again.tolist() == [row.score], "the features that are kept are those of the score"


def frame_of(features: Mapping[str, float | str | None]) -> Frame:
    """Return one row; a number that is missing is NaN."""
    numbers = {
        name: [np.nan if features[name] is None else features[name]]
        for name in CHOICE.features.names
        if CHOICE.features.kind(name) == "number"
    }
    return Frame.of({**numbers, "home_kind": [features["home_kind"]]})


def test_a_review_keeps_the_homes_that_it_shows(desk: Shop) -> None:
    with desk.serve() as served:
        review = served.client.get(f"/v1/leads/{a_lead(desk)}/review").json()
    shown = len(review["matches"]["homes"])
    assert shown == 3
    assert [len(kept(desk, name)) for name in NAMES] == [shown] * 3


def test_of_leads_outside_of_the_share_nothing_is_kept(desk: Shop) -> None:
    desk.settings = replace_setting(desk, 0.5)
    out = desk.settings.home / "m.parquet"
    moment = now()
    write_matches(desk.settings, desk.database, Request(k=2), out, as_of=moment)
    leads = {str(row.entity_id).split("|")[0] for row in kept(desk, CHOICE.name)}
    with desk.database.begin() as connection:
        every = set(open_lead_ids(connection, as_of=moment))
    assert 0.2 * len(every) < len(leads) < 0.8 * len(every)
    nobody, somebody = min(every - leads), min(leads)
    with desk.serve() as served:
        before = len(kept(desk, CHOICE.name))
        assert served.client.get(f"/v1/leads/{nobody}/matches").json()["homes"]
        served.client.get(f"/v1/leads/{somebody}/matches", params={"k": 3})
        wait_for(lambda: len(kept(desk, CHOICE.name)) > before)
    assert len(kept(desk, CHOICE.name)) == before + 3, "whoever asks, it is the same leads"


def replace_setting(desk: Shop, share: float):  # type: ignore[no-untyped-def]
    return desk.settings.model_copy(update={"shown_homes_share": share})


def test_a_file_that_is_written_again_keeps_nothing_twice(desk: Shop) -> None:
    out, moment = desk.settings.home / "m.parquet", now()
    _, rows = write_matches(desk.settings, desk.database, Request(k=5), out, as_of=moment)
    again = write_matches(desk.settings, desk.database, Request(k=5), out, as_of=moment)
    assert again[1] == rows
    assert [len(kept(desk, name)) for name in NAMES] == [rows] * 3
    assert {row.at for row in kept(desk, CHOICE.name)} == {moment}


def test_a_file_that_can_not_be_kept_is_not_written(desk: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise sa.exc.OperationalError("COPY", {}, Exception("gone"))

    monkeypatch.setattr("serving.batch.keeping_matches.write_many", away)
    out = desk.settings.home / "m.parquet"
    with pytest.raises(Exception, match="gone"):
        write_matches(desk.settings, desk.database, Request(k=5), out, as_of=now())
    assert not out.exists()


def test_an_outcome_of_such_an_answer_is_the_leads(desk: Shop) -> None:
    lead = a_lead(desk)
    with desk.serve() as served:
        served.client.get(f"/v1/leads/{lead}/matches", params={"k": 1})
    (row,) = kept(desk, CHOICE.name)
    sent = {"prediction_id": row.prediction_id, "kind": "converted", "event_at": now().isoformat()}
    with desk.database.begin() as connection:
        assert take_outcomes(connection, [sent], at=now()).new == 1
        stored = sa.text("SELECT lead_id FROM outcomes WHERE outcome_id LIKE 'prediction:%'")
        assert connection.execute(stored).scalars().all() == [lead]


class Noting:
    """A predictor that notes what it is told of the cases."""

    version, answered_by = "7", AnsweredBy.LAST_GOOD

    def __init__(self) -> None:
        self.seen: list[Frame] = []

    def predict_many(self, features: Frame) -> Scores:
        self.seen.append(features)
        return Scores(np.full(len(features), 0.5))


def test_a_model_is_told_the_lead_so_that_a_canary_takes_all_its_homes_or_none() -> None:
    noting = Noting()
    served = ServedModel(CHOICE, "f", Answering(predictor=noting))
    features = Frame.of({name: [0.0, 1.0] for name in CHOICE.features.names})
    found = asking({CHOICE.name: served}.get)(CHOICE, features, "L-1")
    assert (found.version, found.answered_by) == ("7", AnsweredBy.LAST_GOOD)
    (cases,) = noting.seen
    assert isinstance(cases, Cases)
    assert cases.entities == ["L-1", "L-1"]

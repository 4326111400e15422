"""Homes that were shown on a simulated desk, and what the platform's own quality says came true of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from benchmarks.shown_homes.nights import DAY, WORLD, Nights
from estate.datasets.world import simulate_into
from estate.features.histories import micros
from estate.features.homes import LOOKS
from estate.services.property_matching.model import CHOICE, INTEREST, SPECS
from estate.store.database import Database
from estate.store.facts import read_facts
from estate.training import pairs
from monitoring.quality import QualitySeen, judge_quality
from monitoring.quality.answered import Answered, read_answered
from tests.monitoring.quality.worlds import labels, proof, scores

pytestmark = pytest.mark.thorough
HELD = scores(2_000, 3, spread=3.0)
PROUD = proof(HELD, labels(HELD, 3))
"""Evidence of a holdout on which scores told much more than those of shown homes can."""
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Nights:
    simulate_into(database, WORLD, home=tmp_path)
    return Nights(database, tmp_path)


def answered(desk: Nights, spec=INTEREST, now: datetime | None = None) -> Answered:  # type: ignore[no-untyped-def]
    return read_answered(spec, desk.database, "1", since=BEGINNING, now=now or desk.end)


def codes(seen: QualitySeen) -> set[str]:
    return {finding.code for finding in seen.findings}


def kept(desk: Nights) -> dict[str, int]:
    with desk.database.begin() as connection:
        rows = connection.execute(sa.text("SELECT model, count(*) AS rows FROM predictions GROUP BY 1"))
        return {row.model: int(row.rows) for row in rows}


def test_what_was_shown_comes_true_as_often_as_the_scores_said(desk: Nights) -> None:
    answers = desk.show()
    once = kept(desk)
    assert set(once) == {spec.name for spec in SPECS}
    assert 4 * answers < once["home_choice"] <= 5 * answers
    assert desk.show() == answers
    assert kept(desk) == once, "the same nights again are the same predictions"
    for spec in SPECS:
        found = answered(desk, spec)
        ripe = found.take(found.ripe)
        assert len(ripe) > 100
        assert found.left_out.unseen > 10 * len(ripe), "most homes that are shown are not looked at"
        error = np.sqrt((ripe.score * (1 - ripe.score)).sum()) / len(ripe)
        assert abs(ripe.y.mean() - ripe.score.mean()) < 4 * error, spec.name
        seen = judge_quality(spec, desk.database, "1", evidence=PROUD, now=desk.end, weeks=8)
        assert "MON301" not in codes(seen), "the holdout's rows were not chosen by their scores"
        assert any(p.kind == "realised" and p.metric == "log_loss" for p in seen.points), spec.name
    seen = judge_quality(CHOICE, desk.database, "1", evidence=PROUD, now=desk.end)
    assert "MON303" not in codes(seen)
    ripe = answered(desk, CHOICE)
    right = ripe.score[ripe.y == 1].mean() - ripe.score[ripe.y == 0].mean()
    assert right > 0.05, "homes with a higher score are chosen more often"

    labels_are_those_of_a_plain_count(desk)
    desk.show(version="2", off=-0.3)
    seen = judge_quality(CHOICE, desk.database, "2", evidence=PROUD, now=desk.end)
    assert "MON303" in codes(seen), "scores that say too little are found"


def labels_are_those_of_a_plain_count(desk: Nights) -> None:
    ripe = answered(desk).take(answered(desk).ripe)
    facts = read_facts(desk.database, "interactions")
    facts = facts[(facts["recorded_at"] <= desk.end) & facts["property_id"].notna()]
    of_pair = dict(list(facts.groupby(["lead_id", "property_id"])))
    with desk.database.begin() as connection:
        rows = connection.execute(
            sa.text("SELECT entity_id, min(at) AS at FROM predictions WHERE model = :model GROUP BY 1"),
            {"model": INTEREST.name},
        ).all()
    plain = []
    for row in rows:
        own = of_pair.get(tuple(row.entity_id.split("|")))
        label = plain_label(own, row.at) if own is not None else None
        if label is not None:
            plain.append((round(row.at.timestamp() * 1e6), label))
    assert sorted(zip(ripe.at.tolist(), ripe.y.tolist(), strict=True)) == sorted(plain)


def plain_label(own: pd.DataFrame, at: datetime) -> float | None:
    """Return whether the first view within a day was followed by a save, None without such a view."""
    saves = own.loc[own["kind"] == "listing_save", "event_at"]
    views = own.loc[(own["kind"] == "listing_view") & (own["event_at"] > at), "event_at"]
    views = views[views <= at + DAY].sort_values()
    fresh = [view for view in views if not (saves < view).any()]
    if not fresh:
        return None
    return float(((saves >= fresh[0]) & (saves < fresh[0] + timedelta(days=14))).any())


def test_while_looks_do_not_come_in_nothing_ripens(desk: Nights) -> None:
    desk.show()
    stopped = desk.learned + 4 * DAY
    with desk.database.begin() as connection:
        connection.execute(
            sa.text("DELETE FROM interactions WHERE recorded_at > :stopped"), {"stopped": stopped}
        )
    found = answered(desk)
    assert not found.ripe.any(), "no save on record is no label while none could be recorded"
    assert found.left_out.unseen == 0
    assert found.frontier.until <= micros(pd.Series([stopped]))[0]


def test_every_look_counts_and_how_late_looks_are_learned(
    desk: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.show()
    whole = answered(desk)
    monkeypatch.setattr(pairs, "MOST_LOOKS", 10)
    few = answered(desk)
    assert whole.ripe.sum() > 100
    assert (few.y[few.ripe].tolist(), few.left_out) == (whole.y[whole.ripe].tolist(), whole.left_out)
    with desk.database.begin() as connection:
        late = "UPDATE interactions SET recorded_at = event_at + interval '4 days'"
        connection.execute(sa.text(late))
        newest = connection.execute(
            sa.text(
                "SELECT max(recorded_at) FROM interactions WHERE recorded_at <= :end AND kind = ANY(:looks)"
            ),
            {"end": desk.end, "looks": list(LOOKS)},
        ).scalar_one()
    assert answered(desk).frontier.until == micros(pd.Series([newest - 4 * DAY]))[0]

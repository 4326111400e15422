"""Ripe labels: none comes early, none is taken for a "no" before its horizon has passed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from estate.core.model_spec import CrmSource
from estate.features.events import DAY_US
from estate.store.database import Database
from estate.store.facts import write_facts
from estate.training.labels import labels_of_leads, maturity
from infra.cli.main import app
from tests.estate.features.made_up import AS_OF, facts_of

SOURCE = CrmSource(outcome="converted", horizon_days=30, age_days=7)
MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def desk(database: Database) -> Database:
    """Six leads of one week, each of another kind, and when the model looks at them 7 days later."""
    outcomes = {
        "won": ("converted", 20),
        "won late": ("converted", 45),
        "won at once": ("converted", 3),
        "lost": ("churned", 10),
        "gone before": ("churned", 5),
    }
    names = [*outcomes, "silent"]
    leads = pd.DataFrame({"lead_id": names, "event_at": MONDAY, "recorded_at": MONDAY})
    facts = pd.DataFrame(
        {
            "outcome_id": list(outcomes),
            "lead_id": list(outcomes),
            "kind": [kind for kind, _ in outcomes.values()],
            "event_at": [MONDAY + timedelta(days=after) for _, after in outcomes.values()],
        }
    )
    with database.begin() as connection:
        write_facts(connection, "leads", leads)
        write_facts(connection, "outcomes", facts.assign(recorded_at=facts["event_at"]))
    return database


@pytest.mark.parametrize(
    ("day", "expected"),
    [  # too young, decided before, censored, ripe, positive, already positive among the censored
        (6.9, (6, 0, 0, 0, 0, 0)),
        (7.0, (0, 2, 4, 0, 0, 0)),
        (25.0, (0, 2, 4, 0, 0, 1)),
        (36.9, (0, 2, 4, 0, 0, 1)),
        (37.0, (0, 2, 0, 4, 1, 0)),
        (60.0, (0, 2, 0, 4, 1, 0)),  # the outcome after 45 days is beyond the horizon
    ],
)
def test_leads_ripen_together_when_their_horizon_ends(
    desk: Database, day: float, expected: tuple[int, ...]
) -> None:
    _, labels = labels_of_leads(SOURCE, desk, as_of=MONDAY + timedelta(days=day))
    (week,) = maturity(labels, days=7)
    assert week.first_day == datetime(2026, 3, 2, tzinfo=UTC)
    assert (
        week.too_young, week.decided_before, week.censored, week.ripe, week.positive, week.censored_positive
    ) == expected  # fmt: skip
    assert week.leads == 6 == week.too_young + week.decided_before + week.censored + week.ripe
    looked = week.censored + week.ripe
    assert week.mature_share == (week.ripe / looked if looked else None)


def test_days_of_many_leads_add_up(database: Database) -> None:
    with database.begin() as connection:
        for kind in ("leads", "outcomes"):
            write_facts(connection, kind, facts_of()[kind])
    _, labels = labels_of_leads(SOURCE, database, as_of=AS_OF)
    for days in (1, 7, 30):
        found = maturity(labels, days=days)
        assert sum(one.leads for one in found) == len(labels.created)
        assert sum(one.ripe for one in found) == int(np.count_nonzero(labels.ripe)) > 30
        starts = [one.first_day for one in found]
        assert starts == sorted(starts)
        first = int(starts[0].timestamp() * 1e6)
        assert 0 <= labels.created.min() - first < days * DAY_US


def test_the_command_shows_them(desk: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", desk.url)
    shown = CliRunner().invoke(app, ["labels", "lead_conversion", "--at", "2026-09-01"])
    assert shown.exit_code == 0, shown.output
    assert "2026-03-02" in shown.output
    assert "censored" in shown.output
    refused = CliRunner().invoke(app, ["labels", "call_conversion"])
    assert "expected a model of event histories" in str(refused.exception)


def test_what_a_lead_does_after_the_models_look_is_its_label_whatever_it_did_before(desk: Database) -> None:
    tours = {"silent": (2, 20), "won": (3,), "won late": (50,), "lost": (8, 9)}
    rows = [(f"{lead} {day}", lead, day) for lead, days in tours.items() for day in days]
    facts = pd.DataFrame(
        {
            "interaction_id": [name for name, _, _ in rows],
            "lead_id": [lead for _, lead, _ in rows],
            "kind": "tour",
            "event_at": [MONDAY + timedelta(days=day) for _, _, day in rows],
        }
    )
    with desk.begin() as connection:
        write_facts(connection, "interactions", facts.assign(recorded_at=facts["event_at"]))
    source = CrmSource(outcome="tour", among="interactions", horizon_days=21, age_days=7)
    leads, labels = labels_of_leads(source, desk, as_of=MONDAY + timedelta(days=60))
    found = dict(zip(leads["lead_id"], labels.positive & labels.ripe, strict=True))
    assert {lead for lead, is_positive in found.items() if is_positive} == {"silent", "lost"}
    assert dict(zip(leads["lead_id"], labels.ripe, strict=True))["gone before"] == np.False_


def test_an_outcome_that_closes_nothing_leaves_a_lead_open(desk: Database) -> None:
    at = MONDAY + timedelta(days=2)
    found = {"outcome_id": ["q"], "lead_id": ["won"], "kind": ["qualified"]}
    with desk.begin() as connection:
        write_facts(connection, "outcomes", pd.DataFrame(found | {"event_at": [at], "recorded_at": [at]}))
    _, labels = labels_of_leads(SOURCE, desk, as_of=MONDAY + timedelta(days=60))
    assert (labels.candidate.sum(), labels.positive[labels.ripe].sum()) == (4, 1)

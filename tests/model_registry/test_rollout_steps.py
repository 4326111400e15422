"""Rollouts from the first alias to the last, on a real MLflow and a real ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from estate.core.clock import now
from estate.core.errors import PromotionRefused
from estate.core.rollout import SCORE_BINS, Rollout, RolloutKind, RolloutReport, Side
from estate.store import ledger, rollout_reports
from estate.store.database import Database
from estate.store.ledger import Entry
from model_registry import Registry, abort_rollout, promote, reconcile_once, rollout_state
from model_registry.identity import UNKNOWN
from model_registry.terms import Terms
from tests.model_registry.conftest import MODEL, Registering, Shown, page, shown

SCORES = (50,) * SCORE_BINS
GOOD = Side(rows=1000, scores=SCORES)
BAD = Side(rows=1000, errors=500, scores=(25,) * SCORE_BINS)
CANARY, SHADOW = (Rollout(kind=kind) for kind in (RolloutKind.CANARY, RolloutKind.SHADOW))


@pytest.fixture
def live(registry: Registry, database: Database, made: Registering) -> Registry:
    """Version 1 is in production, version 2 has passed its gate."""
    promote(registry, database, MODEL, made("k1"), who="ann", why="first")
    made("k2")
    return registry


def start(registry: Registry, database: Database, version: str, rollout: Rollout | None) -> Entry:
    return promote(registry, database, MODEL, version, who="ann", why="try", rollout=rollout)


def say(database: Database, candidate: Side, *, state: str = "ready") -> None:
    """Report as a serving process does."""
    with database.begin() as connection:
        started = ledger.open_rollout(connection, MODEL)
        assert started is not None
        report = RolloutReport(
            rollout_seq=started.seq,
            process="serving",
            state=state,  # type: ignore[arg-type]
            problem="golden rows differ" if state == "refused" else None,
            candidate=candidate,
            stable=Side(rows=1000, scores=SCORES),
            at=now(),
        )
        rollout_reports.write(connection, report)


def rows(database: Database) -> list[tuple[str, str | None, str]]:
    with database.begin() as connection:
        ledger.verify(connection)
        return [(e.decision, e.from_version, e.to_version) for e in ledger.history(connection, MODEL)]


def aliases(registry: Registry) -> dict[str, str]:
    found = registry.client.get_registered_model(MODEL).aliases
    return {name: str(version) for name, version in found.items()}


def test_a_canary_that_does_well_is_promoted_with_the_numbers(live: Registry, database: Database) -> None:
    entry = start(live, database, "2", CANARY)
    assert (entry.decision, entry.rollout) == ("started", CANARY.to_json())
    assert aliases(live) == {"production": "1", "canary": "2"}
    assert page(live, "2").startswith("## Rollout started")
    assert start(live, database, "2", CANARY) == entry, "asked for again, it is the same one"
    say(database, replace(GOOD, rows=999))
    assert reconcile_once(live, database) == []
    say(database, GOOD)
    (ended,) = reconcile_once(live, database)
    assert (ended.decision, ended.who) == ("promoted", "rollout: started by ann")
    assert "1000 rows, 0 errors" in ended.why
    assert aliases(live) == {"production": "2"}
    assert shown(live) == Shown("2", ["2"])
    assert page(live, "2").startswith("# Card")
    assert reconcile_once(live, database) == []


@pytest.mark.parametrize(
    ("side", "state", "why"), [(BAD, "ready", "failed on 500"), (Side(), "refused", "golden")]
)
def test_a_bad_canary_is_taken_back_by_itself(
    live: Registry, database: Database, side: Side, state: str, why: str
) -> None:
    start(live, database, "2", CANARY)
    say(database, side, state=state)
    (ended,) = reconcile_once(live, database)
    assert (ended.decision, ended.from_version, ended.to_version) == ("aborted", "1", "2")
    assert why in ended.why
    assert aliases(live) == {"production": "1"}
    assert page(live, "2").startswith("## Rollout aborted")
    assert why in page(live, "2")


def test_a_shadow_ends_and_the_alias_goes(live: Registry, database: Database) -> None:
    start(live, database, "2", SHADOW)
    assert aliases(live) == {"production": "1", "shadow": "2"}
    say(database, GOOD)
    (ended,) = reconcile_once(live, database)
    assert ended.decision == "ended"
    assert aliases(live) == {"production": "1"}


def test_blue_green_is_promoted_when_all_are_ready(live: Registry, database: Database) -> None:
    start(live, database, "2", Rollout(kind=RolloutKind.BLUE_GREEN))
    say(database, Side(), state="loading")
    assert reconcile_once(live, database) == []
    assert aliases(live) == {"production": "1"}
    say(database, Side())
    assert [entry.decision for entry in reconcile_once(live, database)] == ["promoted"]
    assert aliases(live) == {"production": "2"}


@pytest.mark.parametrize("name", ["canary", "shadow"])
def test_an_alias_in_the_ui_starts_and_ends_one(live: Registry, database: Database, name: str) -> None:
    live = replace(live, terms=lambda _: Terms(rollout=Rollout(share=0.03)))
    live.client.set_registered_model_alias(MODEL, name, "2")
    (started,) = reconcile_once(live, database)
    assert (started.decision, started.who) == ("started", UNKNOWN)
    assert started.rollout == Rollout(kind=RolloutKind(name), share=0.03).to_json()
    assert aliases(live) == {"production": "1", name: "2"}
    assert reconcile_once(live, database) == []
    live.client.delete_registered_model_alias(MODEL, name)
    (ended,) = reconcile_once(live, database)
    assert (ended.decision, ended.who) == ("aborted", UNKNOWN)
    assert ended.why == f"The alias `{name}` was taken away."
    assert reconcile_once(live, database) == []


def test_an_unproven_version_loses_the_alias(live: Registry, database: Database, made: Registering) -> None:
    live.client.set_registered_model_alias(MODEL, "canary", made("k3", evidence=None))
    assert [entry.decision for entry in reconcile_once(live, database)] == ["refused"]
    assert aliases(live) == {"production": "1"}
    assert page(live, "3").startswith("## Promotion refused")


def test_the_alias_moved_on_ends_one_and_starts_the_next(
    live: Registry, database: Database, made: Registering
) -> None:
    start(live, database, "2", CANARY)
    live.client.set_registered_model_alias(MODEL, "canary", made("k3"))
    assert [(entry.decision, entry.to_version) for entry in reconcile_once(live, database)] == [
        ("aborted", "2"),
        ("started", "3"),
    ]
    assert aliases(live) == {"production": "1", "canary": "3"}


def test_without_a_version_in_production_there_is_nothing_to_compare(
    registry: Registry, database: Database, made: Registering
) -> None:
    version = made("k1")
    with pytest.raises(PromotionRefused, match="a canary has nothing to be compared with"):
        start(registry, database, version, CANARY)
    assert start(registry, database, version, Rollout(kind=RolloutKind.BLUE_GREEN)).decision == "started"


def test_the_models_own_way_is_taken_where_nobody_says(
    registry: Registry, database: Database, made: Registering
) -> None:
    registry = replace(registry, terms=lambda _: Terms(rollout=CANARY))
    made("k1"), made("k2")
    assert start(registry, database, "1", None).decision == "promoted", "there is nothing to compare it with"
    registry.client.set_registered_model_alias(MODEL, "production", "2")
    assert [entry.decision for entry in reconcile_once(registry, database)] == ["started"]
    assert aliases(registry) == {"production": "1", "canary": "2"}
    assert start(registry, database, "2", None).decision == "promoted", "asked for again, it is cut short"
    assert start(registry, database, "1", None).decision == "promoted", "back to one that served already"
    assert aliases(registry) == {"production": "1"}


def test_another_version_waits_for_the_end_of_a_rollout(
    live: Registry, database: Database, made: Registering
) -> None:
    start(live, database, "2", CANARY)
    with pytest.raises(PromotionRefused, match=r"A rollout of version 2 is open since .* by ann"):
        start(live, database, made("k3"), None)
    live.client.set_registered_model_alias(MODEL, "production", "3")
    assert [entry.decision for entry in reconcile_once(live, database)] == ["refused"]
    assert aliases(live) == {"production": "1", "canary": "2"}


def test_a_canary_whose_evidence_was_changed_meanwhile_is_not_promoted(
    live: Registry, database: Database
) -> None:
    start(live, database, "2", CANARY)
    say(database, GOOD)
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE evidence DISABLE TRIGGER evidence_no_change")
        connection.exec_driver_sql("UPDATE evidence SET key_id = 'another'")
    (ended,) = reconcile_once(live, database)
    assert ended.decision == "aborted"
    assert "expected a signature of a trusted key" in ended.why


def _nothing(*_: object) -> None:
    pass


def _abort(_: Registry, database: Database) -> None:
    abort_rollout(database, MODEL, who="bob", why="enough")


@pytest.mark.parametrize(("between", "last"), [(_nothing, "promoted"), (_abort, "aborted")])
def test_the_end_is_written_once_whoever_looks(
    live: Registry, database: Database, between: Callable[[Registry, Database], None], last: str
) -> None:
    from model_registry.rollout_steps import conclude_rollouts

    start(live, database, "2", CANARY)
    say(database, GOOD)
    with database.begin() as connection:
        opened = ledger.open_rollouts(connection)
    between(live, database)
    made = [conclude_rollouts(database, live, opened) for _ in range(2)]
    assert made[1] == []
    assert rows(database)[2:] == [(last, "1", "2")]
    assert rollout_state(database, MODEL) is None

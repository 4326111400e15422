"""Events of a CRM into facts: duplicates, the wrong order, what is taken back, and what is wrong."""

from __future__ import annotations

import itertools
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from estate.core.clock import now
from estate.core.errors import DataError
from estate.datasets.mapping import Mapping
from estate.intake.events import Applied, Arrived, apply_event, replay_refused
from estate.store.database import Database
from estate.store.facts import count_facts, read_facts
from estate.store.received_events import count_events, list_events
from tests.estate.intake.crm import NOON, appointment, contact, iso, message, opportunity, sent

NAMES = Mapping(columns={"budget_usd": "f-budget"})


def apply(database: Database, arrived: Arrived) -> Applied:
    return apply_event(database, arrived, NAMES)


def test_a_contact_is_a_lead_with_a_version_for_each_change(database: Database) -> None:
    assert apply(database, sent(contact())).event.state == "applied"
    between = now()
    apply(database, sent(contact(hours=2, city="south", customFields=[])))
    before = read_facts(database, "leads", as_of=between).iloc[0]
    after = read_facts(database, "leads").iloc[0]
    assert (before["area"], before["budget_usd"], before["source"]) == ("north", 450_000, "portal")
    assert after["area"] == "south"
    assert after["budget_usd"] != after["budget_usd"]
    assert before["event_at"] == after["event_at"] == NOON


def test_the_same_again_changes_nothing_also_at_the_same_time(database: Database) -> None:
    arrived = sent(message(), "key-1")
    results: list[Applied] = []
    threads = [threading.Thread(target=lambda: results.append(apply(database, arrived))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.known for one in results) == [False] + [True] * 5
    assert count_facts(database, "messages") == count_facts(database, "interactions") == 1
    assert read_facts(database, "interactions")["kind"].tolist() == ["reply"]


def test_another_event_under_a_used_key_is_not_lost(database: Database) -> None:
    apply(database, sent(message("m1"), "key"))
    for _ in range(2):
        apply(database, sent(message("m2"), "key"))
    assert count_facts(database, "messages") == 2


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_whatever_the_order_the_latest_change_stands(order: tuple[int, ...], database: Database) -> None:
    events = [contact(hours=hour, city=f"area-{hour}") for hour in range(3)]
    for place in order:
        apply(database, sent(events[place]))
    assert read_facts(database, "leads")["area"].tolist() == ["area-2"]
    with database.begin() as connection:
        assert sum(count_events(connection).values()) == 3


def test_a_late_event_says_that_it_was_outdated(database: Database) -> None:
    apply(database, sent(contact(hours=2)))
    late = apply(database, sent(contact(hours=1, city="late"))).event
    assert (late.state, late.reason) == ("outdated", "a later change was applied before")


def test_won_reopened_and_won_again_is_known_as_it_was_at_each_moment(database: Database) -> None:
    moments: list[datetime] = []
    for hour, status in enumerate(["open", "won", "won", "open", "won", "lost"]):
        apply(database, sent(opportunity(status, hours=hour)))
        moments.append(now())
    known = [read_facts(database, "outcomes", as_of=at) for at in moments]
    assert [facts["kind"].tolist() for facts in known] == [
        [],
        ["converted"],
        ["converted"],
        [],
        ["converted"],
        ["churned"],
    ]
    assert [facts["event_at"].tolist() for facts in known[1:3]] == [[NOON + timedelta(hours=1)]] * 2
    assert known[4]["event_at"].tolist() == [NOON + timedelta(hours=4)]


def test_a_tour_counts_from_its_start_unless_it_was_moved_or_cancelled(database: Database) -> None:
    soon = (now() - NOON).total_seconds() / 3600 + 24
    apply(database, sent(appointment("confirmed", hours=0, start=soon)))
    apply(database, sent(appointment("confirmed", hours=1, start=soon - 10)))
    facts = read_facts(database, "interactions")
    assert facts["kind"].tolist() == ["tour"]
    assert facts["event_at"].tolist() == [datetime.fromisoformat(iso(soon - 10))]
    assert not len(read_facts(database, "interactions", as_of=now()))
    assert len(read_facts(database, "interactions", as_of=facts["event_at"][0].to_pydatetime())) == 1
    apply(database, sent(appointment("cancelled", hours=2, start=soon - 10)))
    for at in (facts["event_at"][0].to_pydatetime(), datetime(2090, 1, 1, tzinfo=UTC)):
        assert not len(read_facts(database, "interactions", as_of=at))
    apply(database, sent(appointment("confirmed", hours=3, start=soon - 10)))
    assert read_facts(database, "interactions")["event_at"].tolist() == facts["event_at"].tolist()


def test_a_contact_that_was_deleted_was_a_lead_until_then(database: Database) -> None:
    apply(database, sent(contact()))
    before = now()
    apply(database, sent(contact(type="ContactDelete", hours=1)))
    apply(database, sent(contact(hours=0.5, city="late")))
    assert not len(read_facts(database, "leads"))
    assert len(read_facts(database, "leads", as_of=before)) == 1


def test_calls_and_messages_without_text(database: Database) -> None:
    apply(database, sent(message(messageType="CALL", callDuration=95, body=None)))
    assert apply(database, sent(message("m2", body="  "))).event.state == "ignored"
    apply(database, sent(message("m3", type="OutboundMessage", direction="outbound", messageType="Email")))
    calls = read_facts(database, "interactions")
    assert calls[["kind", "duration_seconds"]].to_numpy().tolist() == [["call", 95.0]]
    written = read_facts(database, "messages")
    assert written[["direction", "channel"]].to_numpy().tolist() == [["out", "email"]]


def test_what_is_wrong_is_kept_and_tried_again_after_the_mapping_is_mended(database: Database) -> None:
    text = contact(customFields=[{"id": "f-budget", "value": "about 450k"}])
    refused = apply(database, sent(text, "k")).event
    assert refused.state == "refused"
    assert refused.reason == "budget_usd: expected a number, got 'about 450k'"
    assert refused.body is not None
    assert apply(database, sent(text, "k")).event.state == "refused"
    mended = Mapping(columns={"budget_usd": "f-budget"}, values={"budget_usd": {"about 450k": "450000"}})
    (again,) = replay_refused(database, mended)
    assert again.state == "applied"
    assert read_facts(database, "leads")["budget_usd"].tolist() == [450_000]
    with database.begin() as connection:
        assert [one.body for one in list_events(connection)] == [None]
        assert count_events(connection) == {"applied": 1}
    assert replay_refused(database, mended) == []


def test_an_event_of_two_facts_is_whole_or_nothing(database: Database) -> None:
    """The message is good, the reply is not: its time is."""
    odd = message("m" * 195)  # the reply's name is longer than the message's
    assert apply(database, sent(odd)).event.state == "refused"
    assert count_facts(database, "messages") == 0


HOSTILE: dict[str, dict[str, Any]] = {
    "no type": {},
    "type is a list": {"type": ["ContactCreate"]},
    "no id": {"type": "ContactCreate"},
    "id is a number": contact(id=17),
    "id is too long": contact("x" * 5000),
    "id with a NUL": contact("a\x00b"),
    "id with half a character": contact("a\ud800"),
    "time in words": contact(timestamp="yesterday"),
    "time as a number": contact(timestamp=1736078400),
    "time out of range": contact(timestamp="9999-12-31T23:59:59-23:00"),
    "day first": contact(dateAdded="05/01/2026"),
    "custom field is an object": contact(customFields=[{"id": "f-budget", "value": {"a": 1}}]),
    "a huge number": contact(customFields=[{"id": "f-budget", "value": 10**300}]),
    "NUL in a value": contact(city="a\x00b"),
    "text is a list": message(body=["x"]),
    "direction unknown": message(direction="sideways"),
    "status unknown": opportunity("maybe", hours=1),
    "no start": {"type": "AppointmentCreate", "appointment": {"id": "a", "contactId": "c"}},
    "appointment is a text": {"type": "AppointmentCreate", "appointment": "x"},
}


@pytest.mark.parametrize("what", list(HOSTILE))
def test_hostile_events_are_refused_with_a_reason_and_store_nothing(what: str, database: Database) -> None:
    event = apply(database, sent(HOSTILE[what])).event
    assert event.state == "refused"
    assert ": expected" in str(event.reason)
    for kind in ("leads", "interactions", "messages", "outcomes"):
        assert count_facts(database, kind) == 0


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"type": NaN}', b"{", b"\xff\xfe{", b"[" * 100_000, b'"x"', b"1" * 5000]
)
def test_what_is_no_object_of_json_is_refused(body: bytes, database: Database) -> None:
    with pytest.raises(DataError, match="body: expected"):
        apply(database, Arrived(body, NOON))


def test_odd_but_good_texts_are_kept_as_they_are(database: Database) -> None:
    texts = ["=HYPERLINK(1)", '"quoted", ünï', "half \ud83d of one", "a" * 100_000, "line\nline"]
    for place, text in enumerate(texts):
        assert apply(database, sent(message(f"m{place}", body=text))).event.state == "applied"
    kept = read_facts(database, "messages").sort_values("message_id")["text"].tolist()
    assert kept == [text.replace("\ud83d", "?") for text in texts]


def test_what_says_nothing_of_leads_is_ignored(database: Database) -> None:
    assert apply(database, sent({"type": "NoteCreate", "body": "secret"})).event.state == "ignored"

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from estate.core.errors import DataError, StoreError
from estate.store.database import Database
from estate.store.derived_columns import DERIVED
from estate.store.facts import Stored, count_facts, read_facts, store_facts, write_facts
from estate.store.tables import FACTS, SUPERSEDED

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _visits(
    *ids: str, lead: str = "L1", event: datetime = NOON, known: datetime | None = None
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "interaction_id": list(ids),
            "lead_id": lead,
            "kind": "visit",
            "event_at": event,
            "recorded_at": known or event,
        }
    )


def _store(database: Database, kind: str, rows: pd.DataFrame) -> int:
    with database.begin() as connection:
        return write_facts(connection, kind, rows)


@pytest.mark.parametrize("kind", FACTS)
def test_every_kind_is_read_as_it_was_written_and_empty_tables_keep_their_types(
    database: Database, kind: str
) -> None:
    empty, derived = read_facts(database, kind), DERIVED.get(kind, {})
    assert len(empty) == 0
    columns = {
        column.name: {float: 0.1 + 0.2, datetime: NOON}.get(column.type.python_type, "00123")
        for column in FACTS[kind].columns
        if column.name not in (SUPERSEDED, *derived)
    }
    rows = pd.DataFrame([columns | {"event_at": NOON, "recorded_at": NOON + timedelta(microseconds=1)}])
    assert _store(database, kind, rows) == 1
    back = read_facts(database, kind)
    assert back.drop(columns=list(derived)).iloc[0].to_dict() == rows.iloc[0].to_dict()
    assert all(back[name][0] == of(back[origin][0]) for name, (origin, of) in derived.items())
    assert back.dtypes.to_dict() == empty.dtypes.to_dict()
    assert str(back["event_at"].dtype) == "datetime64[us, UTC]"


def test_a_known_id_is_not_stored_again(database: Database) -> None:
    assert _store(database, "interactions", _visits("a", "b")) == 2
    assert _store(database, "interactions", _visits("b", "c", lead="L2")) == 1
    back = read_facts(database, "interactions")
    assert back[["interaction_id", "lead_id"]].values.tolist() == [["a", "L1"], ["b", "L1"], ["c", "L2"]]
    assert count_facts(database, "interactions") == 3


def test_texts_survive_quotes_newlines_empty_and_missing(database: Database) -> None:
    texts = ['he said "ok",\n and left', "", "\\N", "NA", "žluťoučký 🏠"]
    rows = pd.DataFrame(
        {
            "message_id": [f"m{i}" for i in range(5)],
            "lead_id": "L1",
            "direction": "in",
            "channel": ["email", "", None, "NULL", "\\."],
            "text": texts,
            "event_at": NOON,
            "recorded_at": NOON,
        }
    )
    _store(database, "messages", rows)
    back = read_facts(database, "messages")
    assert back["text"].tolist() == texts
    assert back["channel"].tolist() == ["email", "", None, "NULL", "\\."]


def test_as_of_needs_both_clocks(database: Database) -> None:
    hour = timedelta(hours=1)
    _store(database, "interactions", _visits("seen", event=NOON, known=NOON))
    _store(database, "interactions", _visits("late", event=NOON - hour, known=NOON + hour))
    _store(database, "interactions", _visits("future", event=NOON + hour, known=NOON + hour))
    assert read_facts(database, "interactions", as_of=NOON)["interaction_id"].tolist() == ["seen"]
    assert len(read_facts(database, "interactions", as_of=NOON + hour)) == 3


def test_facts_of_some_leads_in_the_order_of_lead_time_and_id(database: Database) -> None:
    hour = timedelta(hours=1)
    for lead in ("L2", "l1", "L1"):
        _store(database, "interactions", _visits(f"{lead}z", f"{lead}A", lead=lead))
        _store(database, "interactions", _visits(f"{lead}first", lead=lead, event=NOON - hour))
    back = read_facts(database, "interactions", lead_ids=["l1", "L2", "nobody"])
    assert back["interaction_id"].tolist() == ["L2first", "L2A", "L2z", "l1first", "l1A", "l1z"]
    assert len(read_facts(database, "interactions", lead_ids=[])) == 0


def test_what_cannot_be_stored_or_read_is_refused_by_name(database: Database) -> None:
    with pytest.raises(DataError, match="kind of fact: expected one of leads"):
        read_facts(database, "phones")
    with pytest.raises(DataError, match=r"facts `interactions`: .* got unknown colour; no kind\."):
        _store(database, "interactions", _visits("a").drop(columns="kind").assign(colour="red"))
    with pytest.raises(DataError, match="duration_seconds"):
        _store(database, "interactions", _visits("a").assign(duration_seconds="long"))
    with pytest.raises(DataError, match="facts `properties`: expected a kind that belongs to leads"):
        read_facts(database, "properties", lead_ids=["L1"])


def test_a_rolled_back_transaction_leaves_nothing(database: Database) -> None:
    with contextlib.suppress(ZeroDivisionError), database.begin() as connection:
        write_facts(connection, "interactions", _visits("a"))
        raise ZeroDivisionError
    assert count_facts(database, "interactions") == 0


def test_a_known_id_with_other_values_of_the_same_moment_is_named_and_keeps_the_old_ones(
    database: Database,
) -> None:
    _store(database, "interactions", _visits("a", "b"))
    again = pd.concat([_visits("a", "new"), _visits("b", lead="L2")])
    with database.begin() as connection:
        assert store_facts(connection, "interactions", again) == Stored(1, 0, (("b", NOON),))
    assert read_facts(database, "interactions")["lead_id"].unique().tolist() == ["L1"]


def test_a_database_without_tables_says_what_to_do(database: Database) -> None:
    with database.begin() as connection:
        connection.exec_driver_sql("DROP TABLE messages")
    with pytest.raises(StoreError, match=r"messages.*python -m infra\.migrations"):
        read_facts(database, "messages")

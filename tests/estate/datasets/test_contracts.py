from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from estate.datasets.contracts import CONTRACTS, broken_rules
from estate.store.derived_columns import DERIVED
from estate.store.tables import FACTS, SUPERSEDED

DOCS = Path(__file__).parents[3] / "docs" / "data.md"
TYPES = {"text": sa.Text, "number": sa.Float, "time": sa.DateTime}


@pytest.mark.parametrize("kind", CONTRACTS)
def test_a_contract_and_its_table_have_the_same_columns(kind: str) -> None:
    table = FACTS[kind]
    assert [field.name for field in CONTRACTS[kind]] == [
        column.name for column in table.columns if column.name not in (SUPERSEDED, *DERIVED.get(kind, {}))
    ]
    for field in CONTRACTS[kind]:
        assert isinstance(table.columns[field.name].type, TYPES[field.type])
        assert field.required == (not table.columns[field.name].nullable)


def test_there_is_a_contract_for_every_kind_of_fact() -> None:
    assert list(CONTRACTS) == list(FACTS)


@pytest.mark.parametrize("kind", CONTRACTS)
def test_every_column_stands_in_the_docs(kind: str) -> None:
    section = DOCS.read_text().split(f"### {kind}\n")[1].split("\n#")[0]
    for field in CONTRACTS[kind]:
        needed = "yes" if field.required else ""
        assert f"| `{field.name}` | {field.type} | {needed} | {field.meaning}" in section
        assert all(f"`{value}`" in section for value in field.allowed)


def _row(**changes: object) -> pd.DataFrame:
    at = pd.Timestamp("2026-01-05", tz="UTC")
    row = {
        "interaction_id": "i1",
        "lead_id": "L1",
        "kind": "visit",
        "property_id": None,
        "duration_seconds": None,
        "campaign": None,
        "event_at": at,
        "recorded_at": at,
    }
    table = pd.DataFrame([row | changes])
    return table.astype({"duration_seconds": "float64", "property_id": object, "campaign": object})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "sneeze"}, "kind: expected one of visit, .*got 'sneeze'"),
        ({"lead_id": None}, "lead_id: expected a value, got nothing"),
        ({"lead_id": "x" * 201}, "lead_id: expected at most 200 characters"),
        ({"property_id": "a\x00b"}, "property_id: expected text without NUL characters"),
        ({"duration_seconds": -1.0}, "duration_seconds: expected 0 to 1e[+]07, got -1.0"),
        ({"duration_seconds": float("inf")}, "duration_seconds: expected 0 to 1e[+]07, got inf"),
        ({"event_at": pd.Timestamp("1900-01-01", tz="UTC")}, "event_at: expected a time from 1970-01-01"),
        (
            {"event_at": pd.Timestamp("2026-02-01", tz="UTC")},
            "recorded_at: expected no earlier than event_at",
        ),
    ],
)
def test_a_broken_rule_is_a_sentence(changes: dict[str, object], reason: str) -> None:
    broken = broken_rules("interactions", pd.concat([_row(), _row(**changes)], ignore_index=True))
    assert list(broken) == [1]
    assert len(broken[1]) == 1
    assert pd.Series(broken[1]).str.match(reason).all()


def test_a_row_that_keeps_the_contract_is_not_named() -> None:
    assert broken_rules("interactions", _row()) == {}

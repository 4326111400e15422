"""Every feature of leads, through a serving process over HTTP: the bits of a training row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from estate.core.clock import now
from estate.features.histories import build_histories, micros
from estate.store.facts import read_facts, write_facts
from estate.store.predictions import read_recent
from estate.training.extract import extract
from tests.estate.features.made_up import AS_OF, EVERY, facts_of
from tests.serving.shop import Shop, wait_for

MODEL_FILE = """
import dataclasses
from tests.estate.features.made_up import EVERY

def nobody(features):
    import numpy as np
    return np.full(len(features), 0.5)

SPEC = dataclasses.replace(EVERY, rules=nobody)
"""


@pytest.fixture
def every(shop: Shop) -> Shop:
    """Return a shop with a model of all features, whose leads came in the last weeks."""
    (shop.folder / "models" / "every.py").write_text(MODEL_FILE)
    moved = now() - AS_OF
    with shop.database.begin() as connection:
        for kind, rows in facts_of().items():
            clocks = {name: rows[name] + moved for name in map(str, rows) if name.endswith("_at")}
            write_facts(connection, kind, rows.assign(**clocks))
    return shop


def test_a_lead_over_http_has_the_bits_of_its_training_row(every: Shop) -> None:
    ids = facts_of()["leads"]["lead_id"].tolist()
    with every.serve() as served:
        for some in (ids[:1], ids[1:30], ids[30:]):  # alone, some, many
            answer = served.client.post(f"/v1/models/{EVERY.name}/predict", json={"lead_ids": some})
            assert answer.status_code == 200, answer.text
            assert len(answer.json()["predictions"]) == len(some)
        wait_for(lambda: len(kept(every)) == len(ids))
    answered, together = kept(every), batch(every)
    assert [bits(answered[name]) for name in ids] == [bits(together[name]) for name in ids]
    trained = extract(EVERY, every.database, as_of=now())
    assert len(trained) > 30
    for name, row in zip(trained.entities, trained.features.records(), strict=True):
        assert bits(answered[name]) == bits(row)


def kept(shop: Shop) -> dict[str, dict[str, Any]]:
    """Features of each lead as they stand in the prediction log."""
    with shop.database.begin() as connection:
        return {str(row.entity_id): dict(row.features) for row in read_recent(connection, EVERY.name)}


def batch(shop: Shop) -> dict[str, dict[str, Any]]:
    """Features of all leads at the model's age, computed together."""
    facts = {
        kind: read_facts(shop.database, kind, as_of=now(), versions=True)
        for kind in ("leads", "interactions", "messages", "properties", "listings", "market_index")
    }
    ids = facts["leads"]["lead_id"].to_numpy(dtype=object)
    moments = micros(facts["leads"]["event_at"] + timedelta(days=14))
    rows = EVERY.features.compute(build_histories(ids, moments, facts)).records()
    return dict(zip(ids.tolist(), rows, strict=True))


def bits(row: dict[str, Any]) -> dict[str, str | None]:
    """Numbers by their bits: float.hex tells each from every other."""
    return {name: value.hex() if isinstance(value, float) else value for name, value in row.items()}

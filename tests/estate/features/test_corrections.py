"""Corrected facts: what was known before stays to the bit, and what was known in time counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import cast

import numpy as np
import pandas as pd
import pytest

from estate.core.model_spec import CrmSource, ModelSpec
from estate.features.live import features_of_leads
from estate.store.database import Database
from estate.store.facts import store_facts, write_facts
from estate.training.extract import extract
from tests.estate.features.made_up import (
    AS_OF,
    CRM_SPECS,
    START,
    corrections_of,
    facts_of,
    same_bits,
)


@pytest.mark.parametrize("spec", CRM_SPECS, ids=lambda spec: spec.name)
def test_corrections_learned_later_change_no_bit(spec: ModelSpec, filled: Database) -> None:
    """As of before they were learned, and in the rows of that time as of after."""
    before = extract(spec, filled, as_of=AS_OF)
    for kind, rows in corrections_of(facts_of(), AS_OF + timedelta(seconds=1)).items():
        with filled.begin() as connection:
            stored = store_facts(connection, kind, rows)
            assert (stored.new, stored.corrected) == (0, len(rows))
    after = extract(spec, filled, as_of=AS_OF)
    assert before.fingerprint == after.fingerprint
    same_bits(before.features, after.features)
    later = extract(spec, filled, as_of=AS_OF + timedelta(days=1))
    row_of = {name: i for i, name in enumerate(later.entities)}
    both = [i for i, name in enumerate(before.entities) if name in row_of]
    assert len(both) > 25  # corrected outcomes may take a lead out, or give it another label
    there = np.array([row_of[before.entities[i]] for i in both])
    same_bits(before.features.take(np.array(both)), later.features.take(there))


@pytest.mark.parametrize("spec", CRM_SPECS, ids=lambda spec: spec.name)
def test_after_a_correction_only_the_newer_version_is_seen(spec: ModelSpec, database: Database) -> None:
    """As if the older one had never been there; homes aside, which are taken as they were when looked at."""
    moment = START + timedelta(days=70)
    facts = facts_of()
    newer = corrections_of(facts, moment)
    newer = {kind: rows[rows["event_at"] <= rows["recorded_at"]] for kind, rows in newer.items()}
    with database.begin() as connection:
        for kind, rows in facts.items():
            known = rows[rows["recorded_at"] < pd.Timestamp(moment)]
            write_facts(connection, kind, known)
            if kind != "properties":
                store_facts(connection, kind, newer[kind])
    ids = facts["leads"]["lead_id"].tolist()
    judged = replace(spec, source=replace(cast(CrmSource, spec.source), age_days=85))
    both = features_of_leads(database, judged, ids, as_of=AS_OF)
    with database.begin() as connection:
        for kind in facts:
            connection.exec_driver_sql(f"DELETE FROM {kind} WHERE superseded_at < 'infinity'")
    same_bits(both.features, features_of_leads(database, judged, ids, as_of=AS_OF).features)


@pytest.mark.parametrize("spec", CRM_SPECS, ids=lambda spec: spec.name)
def test_a_correction_that_was_known_in_time_counts(spec: ModelSpec, filled: Database) -> None:
    """The attacks above could not succeed if corrections were never seen."""
    before = extract(spec, filled, as_of=AS_OF)
    for kind, rows in corrections_of(facts_of(), START + timedelta(days=10)).items():
        known = rows[rows["event_at"] < rows["recorded_at"]]
        with filled.begin() as connection:
            store_facts(connection, kind, known)
    after = extract(spec, filled, as_of=AS_OF)
    changed = [
        name
        for name in before.features.columns
        if before.features[name].tobytes() != after.features[name].tobytes()
    ]
    assert len(changed) > len(before.features.columns) // 2

"""A training's rows as a file, and what differs when they are computed once more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from estate.core.errors import DataError
from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.datasets.world import World, simulate_into
from estate.store.database import Database
from estate.store.facts import read_facts, store_facts
from estate.training.data import TrainingData
from estate.training.extract import extract
from estate.training.snapshot import about, compare, erase_from_snapshot, read_snapshot, write_snapshot
from tests.estate.features.made_up import EVERY

AS_OF = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)


def rows() -> TrainingData:
    numbers = np.array([1.5, np.nan, -0.0, 5e-324, np.inf])
    features = Frame({"n": numbers, "t": np.array(["a", None, "", "NaN", "š"], dtype=object)}, 5)
    return TrainingData(
        features,
        np.array([0.0, 1.0, 1.0, 0.0, 1.0]),
        (),
        np.array(["l1", "l2", "l2", "l2", "l3"], dtype=object),
        np.array([5, 6, 6, 7, 8]),
        9,
        ("n", "t"),
        features,
        Frame({"sex": np.array([None] * 5, dtype=object)}, 5),
    )


def keep(data: TrainingData, path: Path, spec: ModelSpec = EVERY) -> Path:
    what = about(data, model=spec.name, as_of=AS_OF, feature_fingerprint=spec.features.fingerprint)
    return write_snapshot(data, what, path)


def test_what_was_kept_is_what_was_there_and_the_same_again_makes_the_same_bytes(tmp_path: Path) -> None:
    path = keep(rows(), tmp_path / "a.parquet")
    what, kept = read_snapshot(path)
    assert (what.model, what.as_of, what.fingerprint) == (EVERY.name, AS_OF.isoformat(), rows().fingerprint)
    assert compare(kept, rows()).equal
    assert keep(rows(), tmp_path / "b.parquet").read_bytes() == path.read_bytes()
    assert [found.name for found in tmp_path.iterdir() if "half" in found.name] == []


def test_every_difference_is_named(tmp_path: Path) -> None:
    _, kept = read_snapshot(keep(rows(), tmp_path / "a.parquet"))
    data = rows()
    data.features["n"][2] = 0.0  # another bit, an equal number
    data.features["t"][1] = "None"
    found = compare(kept, data)
    assert not found.equal
    assert found.changed == {"features.n": 1, "features.t": 1}
    fewer = compare(kept, rows().take(np.array([0, 1, 4])))
    assert (fewer.rebuilt_rows, fewer.gone, fewer.new, fewer.equal) == (3, 2, 0, False)
    other = replace(rows(), entities=np.array(["l1", "l2", "l2", "l2", "x"], dtype=object))
    assert (compare(kept, other).gone, compare(kept, other).new) == (1, 1)
    assert compare(kept, rows().take(np.array([4, 1, 2, 3, 0]))).changed == {"order": 5}
    assert "features.n" in compare(kept, replace(rows(), features=rows().features.select(("t",)))).changed


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_text("rooms,price")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    for name in ("text.parquet", "other.parquet", "none.parquet"):
        with pytest.raises(DataError, match=rf"file {name}: expected a snapshot"):
            read_snapshot(tmp_path / name)


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_after_a_million_later_facts_and_corrections_a_month_old_set_is_rebuilt_to_the_byte(
    database: Database, tmp_path: Path
) -> None:
    world = World(seed=8, leads_per_day=60, days=120)
    simulate_into(database, world, home=tmp_path)
    month_ago = world.at(world.days) - timedelta(days=30)
    before = extract(EVERY, database, as_of=month_ago)
    assert len(before) > 500
    kept = keep(before, tmp_path / "kept.parquet")

    stored, random = 0, np.random.default_rng(0)
    turn = 0
    while stored < 1_000_000:
        for kind in (
            "interactions",
            "messages",
            "properties",
            "listings",
            "market_index",
            "outcomes",
            "leads",
        ):
            facts = read_facts(database, kind, as_of=month_ago)
            learned = pd.Timestamp(month_ago) + pd.Timedelta(hours=1 + turn)
            shuffled = facts.sample(frac=1.0, random_state=turn).reset_index(drop=True)
            corrected = shuffled.assign(**{facts.columns[0]: facts[facts.columns[0]]}, recorded_at=learned)
            with database.begin() as connection:
                made = store_facts(connection, kind, corrected)
                assert made.corrected == len(facts)
                stored += made.corrected
                if kind != "leads":
                    late = corrected.assign(**{facts.columns[0]: f"late {turn} " + facts[facts.columns[0]]})
                    late["event_at"] = facts["event_at"] - pd.to_timedelta(
                        random.integers(0, 9, len(late)), "h"
                    )
                    stored += store_facts(connection, kind, late).new
        turn += 1

    again = keep(extract(EVERY, database, as_of=month_ago), tmp_path / "again.parquet")
    assert again.read_bytes() == kept.read_bytes()
    present = extract(EVERY, database, as_of=world.at(world.days))
    assert present.fingerprint != before.fingerprint


def test_rows_of_a_lead_with_a_home_are_taken_out_with_the_lead(tmp_path: Path) -> None:
    names = ["l-1|h1", "l-17|h1", "l-1|h2", "l-1", "l-1|b"]
    path = keep(replace(rows(), entities=np.array(names, dtype=object)), tmp_path / "pairs.parquet")
    erased = erase_from_snapshot(path, "l-1", others={"l-1|b"})
    assert erased is not None
    assert erased.rows == 3
    assert read_snapshot(path)[1]["entity"].tolist() == ["l-17|h1", "l-1|b"]
    assert erase_from_snapshot(path, "l-1", others={"l-1|b"}) is None

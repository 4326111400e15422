"""Files of any size are scored by the version in production."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from estate.core.errors import DataError, RegistryError, SpecError
from estate.core.predictor import Predictor
from serving.batch import BatchOptions, score_file, score_leads, score_rows
from serving.models import ServedModel
from serving.production import production_model, production_predictor
from tests.serving.shop import Shop, score_of

ROWS = pd.DataFrame(
    {
        "case_id": ["a", "b", "c"],
        "rooms": [3, None, 2],
        "price_usd": [3e5, 2e5, None],
        "area": ["north", None, "x"],
    }
)


@pytest.fixture
def served(shop: Shop) -> ServedModel:
    shop.train("1")
    shop.promote("1")
    return production_model(shop.settings, shop.database, "sale", fetch=shop.fetch)


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "parquet"])
def test_a_file_is_scored_with_version_and_source(served: ServedModel, tmp_path: Path, kind: str) -> None:
    source, target = write(tmp_path / f"in.{kind}"), tmp_path / f"out.{kind}"
    assert score_file(served, source, target) == 3
    scored = read(target)
    assert scored["case_id"].tolist() == ["a", "b", "c"]
    assert scored["score"].to_numpy() == pytest.approx([score_of("1")] * 3, abs=1e-6)
    assert set(scored["version"].astype(str)) == {"1"}
    assert set(scored["answered_by"]) == {"model"}
    assert pd.to_datetime(scored["at"]).notna().all()


def test_a_file_in_parts_is_scored_as_the_whole(served: ServedModel, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    source, target = write(tmp_path / "in.parquet"), tmp_path / "out.csv"
    told = BatchOptions(rows_at_once=2, progress=lambda done, total: seen.append((done, total)))
    score_rows(served, source, target, told)
    assert seen == [(0, 3), (2, 3), (3, 3)]
    assert len(read(target)) == 3


def test_the_rules_score_a_file_before_the_first_version(shop: Shop, tmp_path: Path) -> None:
    rules = production_model(shop.settings, shop.database, "sale", fetch=shop.fetch)
    score_file(rules, write(tmp_path / "in.csv", ROWS.dropna()), tmp_path / "out.csv")
    scored = read(tmp_path / "out.csv")
    assert (scored["answered_by"].tolist(), scored["score"].tolist()) == (["rules"], [0.1])


def test_a_missing_column_is_named_and_no_file_is_left(served: ServedModel, tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", ROWS.drop(columns=["area"]))
    with pytest.raises(DataError, match="got no area"):
        score_file(served, source, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.glob("*out*")] == []


def test_text_among_numbers_is_named(served: ServedModel, tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", ROWS.assign(rooms=["3", "many", "2"]))
    with pytest.raises(DataError, match="row 1: expected a number, got 'many'"):
        score_file(served, source, tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("source", "target"), [("none.csv", "o.csv"), ("in.xlsx", "o.csv"), ("in.csv", "o.xls")]
)
def test_other_files_are_refused(served: ServedModel, tmp_path: Path, source: str, target: str) -> None:
    write(tmp_path / "in.csv")
    (tmp_path / "in.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match="expected a"):
        score_file(served, tmp_path / source, tmp_path / target)


def test_a_file_that_is_no_table_is_refused(served: ServedModel, tmp_path: Path) -> None:
    (tmp_path / "in.parquet").write_bytes(b"no")
    with pytest.raises(DataError, match="expected CSV, Parquet or Arrow"):
        score_file(served, tmp_path / "in.parquet", tmp_path / "out.csv")


def test_leads_need_a_model_of_leads(served: ServedModel, shop: Shop) -> None:
    from estate.core.clock import now

    with pytest.raises(DataError, match="expected a model of leads"):
        score_leads(served, shop.database, as_of=now())


def test_the_predictor_of_production_is_a_predictor(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    predictor = production_predictor(shop.settings, shop.database, "sale", fetch=shop.fetch)
    assert isinstance(predictor, Predictor)
    assert predictor.version == "1"


def test_with_the_registry_away_the_last_good_version_answers(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    production_predictor(shop.settings, shop.database, "sale", fetch=shop.fetch)
    shop.registry_answers = False
    assert production_predictor(shop.settings, shop.database, "sale", fetch=shop.fetch).version == "1"


def test_an_unknown_model_and_one_that_nothing_answers_for_are_refused(shop: Shop) -> None:
    with pytest.raises(SpecError, match="nobody"):
        production_predictor(shop.settings, shop.database, "nobody", fetch=shop.fetch)
    with pytest.raises(RegistryError, match="got neither"):
        production_predictor(shop.settings, shop.database, "bare", fetch=shop.fetch)


def write(path: Path, rows: pd.DataFrame = ROWS) -> Path:
    if path.suffix == ".parquet":
        rows.to_parquet(path)
    else:
        rows.to_csv(path, index=False)
    return path


def read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)

"""Rows that can't be read end the run with file, row and column, or are put aside with the reason."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from estate.core.errors import DataError
from serving.batch import BatchOptions, bad_path, score_rows
from serving.models import ServedModel
from tests.serving.homes import plain_spec, serve, table, with_texts, write_training


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    folder = tmp_path_factory.mktemp("homes")
    return serve(plain_spec(write_training(folder)), folder / "bundle")


def cheap(rows: int = 300) -> pd.DataFrame:
    return with_texts(table(rows), {7: "?", 130: "cheap"})


@pytest.mark.parametrize("name", ["in.csv", "in.csv.gz", "in.parquet"])
def test_text_among_numbers_is_named_with_file_column_and_row(
    served: ServedModel, tmp_path: Path, name: str
) -> None:
    source = tmp_path / name
    cheap().to_parquet(source) if name.endswith("parquet") else cheap().to_csv(source, index=False)
    with pytest.raises(DataError, match=r"file .*in\.\S+, column `price_usd`, row 130: .* got 'cheap'"):
        score_rows(served, source, tmp_path / "out.parquet", BatchOptions(rows_at_once=50))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_of_a_folder_the_file_and_its_row_are_named(served: ServedModel, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for i in range(3):
        cheap()[i * 100 : i * 100 + 100].to_parquet(tmp_path / "parts" / f"{i}.parquet")
    with pytest.raises(DataError, match=r"parts/1\.parquet, column `price_usd`, row 30:"):
        score_rows(served, tmp_path / "parts", tmp_path / "out.parquet", BatchOptions(rows_at_once=64))


def test_bad_rows_are_put_aside_as_they_came(served: ServedModel, tmp_path: Path) -> None:
    cheap().to_csv(tmp_path / "in.csv", index=False)
    options = BatchOptions(rows_at_once=50, on_bad_rows="quarantine")
    done = score_rows(served, tmp_path / "in.csv", tmp_path / "out.csv", options)
    assert (done.rows, done.bad_rows) == (299, 1)
    assert len(pd.read_csv(tmp_path / "out.csv")) == 299
    (bad,) = pd.read_csv(bad_path(tmp_path / "out.csv")).to_dict("records")
    assert (bad["bad_row"], bad["bad_column"]) == (130, "price_usd")
    assert bad["bad_reason"] == "expected a number, got 'cheap'"
    assert (bad["home_id"], bad["price_usd"]) == ("h130", "cheap")


def test_a_later_run_without_bad_rows_leaves_none_of_an_earlier_one(
    served: ServedModel, tmp_path: Path
) -> None:
    options = BatchOptions(on_bad_rows="quarantine")
    for rows, bad in ((cheap(), True), (table(20), False)):
        rows.to_csv(tmp_path / "in.csv", index=False)
        score_rows(served, tmp_path / "in.csv", tmp_path / "out.csv", options)
        assert bad_path(tmp_path / "out.csv").exists() is bad


def lines(path: Path) -> Path:
    head, *rest = table(100).drop(columns="note").to_csv(index=False).splitlines()
    rest[10] = "h10,3"
    rest[60] += ",too,much"
    path.write_text("\n".join([head, *rest]) + "\n")
    return path


def test_a_line_of_too_few_values_is_named(served: ServedModel, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"in\.csv, row 10: expected 5 values, got 2"):
        score_rows(served, lines(tmp_path / "in.csv"), tmp_path / "out.csv")


def test_lines_that_are_none_are_put_aside(served: ServedModel, tmp_path: Path) -> None:
    options = BatchOptions(rows_at_once=30, on_bad_rows="quarantine")
    source = lines(tmp_path / "in.csv")
    source.write_text(source.read_text().replace("\nh70,", "\nh70,many"))
    done = score_rows(served, source, tmp_path / "out.csv", options)
    assert (done.rows, done.bad_rows) == (97, 3)
    bad = pd.read_csv(bad_path(tmp_path / "out.csv"))
    assert bad["bad_row"].tolist() == [70, 10, 60]
    assert bad["bad_reason"].tolist()[1:] == ["expected 5 values, got 2", "expected 5 values, got 7"]
    assert bad["bad_line"].tolist()[1] == "h10,3"


def test_a_missing_column_is_named_before_a_row_is_read(served: ServedModel, tmp_path: Path) -> None:
    table(10).drop(columns=["area", "rooms"]).to_parquet(tmp_path / "in.parquet")
    with pytest.raises(DataError, match="got no rooms, area"):
        score_rows(served, tmp_path / "in.parquet", tmp_path / "out.parquet")


def test_a_column_that_is_there_twice_is_refused(served: ServedModel, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("rooms,rooms,price_usd,area,floor\n1,2,3,north,1\n")
    with pytest.raises(DataError, match="expected each column once, got rooms twice"):
        score_rows(served, tmp_path / "in.csv", tmp_path / "out.csv")


def test_a_folder_without_tables_is_refused(served: ServedModel, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "read.me").write_text("")
    with pytest.raises(DataError, match=r"expected Parquet files, or Arrow files, got read\.me"):
        score_rows(served, tmp_path / "parts", tmp_path / "out.csv")


def test_a_list_has_no_text_in_a_csv(served: ServedModel, tmp_path: Path) -> None:
    rows = table(10)
    rows["calls"] = [[1, 2]] * 10
    rows.to_parquet(tmp_path / "in.parquet")
    with pytest.raises(DataError, match="Write Parquet"):
        score_rows(served, tmp_path / "in.parquet", tmp_path / "out.csv")
    assert score_rows(served, tmp_path / "in.parquet", tmp_path / "out.parquet").rows == 10
    assert pd.read_parquet(tmp_path / "out.parquet")["calls"][3].tolist() == [1, 2]

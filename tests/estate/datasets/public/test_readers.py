from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from estate.core.errors import ContractError
from estate.datasets.public import (
    ames,
    bank_marketing,
    cdnow,
    king_county,
    read_ames,
    read_bank_marketing,
    read_cdnow,
    read_king_county,
    read_telco_churn,
    read_x_education,
    telco_churn,
    x_education,
)
from estate.datasets.public.table import snake_case

BANK, LEADS, TELCO = (
    "bank_marketing/bank-additional-full.csv.gz",
    "leads_x_education/leads.csv.gz",
    "churn_telco_ibm/Telco-Customer-Churn.csv",
)
READERS: list[tuple[Callable[[Path], pd.DataFrame], str, Collection[str], str, int]] = [
    (read_bank_marketing, BANK, bank_marketing.LEAKING, bank_marketing.LABEL, 41_188),
    (read_x_education, LEADS, x_education.LEAKING, x_education.LABEL, 9_240),
    (read_telco_churn, TELCO, telco_churn.LEAKING, telco_churn.LABEL, 7_043),
]


@pytest.mark.parametrize(("reader", "file", "leaking", "label", "rows"), READERS)
def test_a_reader_keeps_rows_and_label_and_leaves_leaks_out(  # noqa: PLR0917  one for each part of a row
    public_data: Path,
    reader: Callable[[Path], pd.DataFrame],
    file: str,
    leaking: Collection[str],
    label: str,
    rows: int,
) -> None:
    table = reader(public_data / file)
    assert len(table) == rows
    assert table[label].notna().all()
    assert list(table) == [snake_case(str(name)) for name in table]
    assert not {snake_case(name) for name in leaking} & set(table)
    for name in table.select_dtypes(object):
        assert not table[name].isin(["unknown", "Select", "", " "]).any()
        assert table[name][table[name].isna()].map(lambda value: value is None).all()


@pytest.mark.parametrize(("reader", "file"), [(row[0], row[1]) for row in READERS])
def test_another_file_is_refused_with_the_difference(
    public_data: Path, tmp_path: Path, reader: Callable[[Path], pd.DataFrame], file: str
) -> None:
    other = next(row[1] for row in READERS if row[1] != file)
    with pytest.raises(ContractError, match="columns of the published file, got no "):
        reader(public_data / other)
    with pytest.raises(ContractError, match=r"nothing\.csv: expected a CSV file, got .*No such file"):
        reader(tmp_path / "nothing.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ContractError, match="expected a CSV file, got No columns"):
        reader(tmp_path / "empty.csv")


def test_calls_are_in_the_files_order_within_their_months(public_data: Path) -> None:
    table = read_bank_marketing(public_data / BANK)
    raw = pd.read_csv(public_data / BANK, sep=";")
    called = table["called_at"]
    assert (called.diff().dropna() > pd.Timedelta(0)).all()
    assert called.dt.strftime("%b").str.lower().tolist() == raw["month"].tolist()
    assert table["euribor3m"].tolist() == raw["euribor3m"].tolist()
    months = called.dt.strftime("%Y-%m")
    assert (months.iloc[0], months.iloc[-1], months.nunique()) == ("2008-05", "2010-11", 26)
    assert table["pdays"].isna().sum() == (raw["pdays"] == 999).sum()


def test_leads_are_in_the_order_of_their_number(public_data: Path) -> None:
    table = read_x_education(public_data / LEADS)
    assert table["lead_number"].is_monotonic_increasing
    assert 0.38 < table["converted"].mean() < 0.39


def test_charges_of_new_customers_are_not_known(public_data: Path) -> None:
    table = read_telco_churn(public_data / TELCO)
    assert (table["tenure"][table["total_charges"].isna()] == 0).all()
    assert table["total_charges"].isna().sum() == 11


def test_a_wrong_value_is_named_with_its_row(public_data: Path, tmp_path: Path) -> None:
    text = (public_data / TELCO).read_text().splitlines()
    path = tmp_path / "telco.csv"
    path.write_text("\n".join([*text[:3], text[3].replace("53.85", "many"), *text[4:]]))
    with pytest.raises(ContractError, match="row 3, `MonthlyCharges`: expected a number, got 'many'"):
        read_telco_churn(path)
    path.write_text("\n".join([*text[:3], text[3][:-3] + "Perhaps"]))
    with pytest.raises(ContractError, match="`Churn`: expected Yes or No, got"):
        read_telco_churn(path)


COUNTY, TOWN = "realestate_king_county/kc_house_data.csv.gz", "realestate_ames/AmesHousing.csv.gz"
SHOP = "churn_cdnow_events/cdnow_transactions.csv.gz"
CUT = date(1997, 12, 31)


def test_houses_are_in_the_order_of_their_sale(public_data: Path) -> None:
    county, town = read_king_county(public_data / COUNTY), read_ames(public_data / TOWN)
    assert (len(county), len(town)) == (21_613, 2_930)
    for table, module in ((county, king_county), (town, ames)):
        assert table[module.TIME].is_monotonic_increasing
        assert table[module.ENTITY].is_unique
        assert (table[module.LABEL] > 0).all()
        assert all(table[name].dtype == "float64" for name in module.NUMBERS)
        assert set(module.NUMBERS) | set(module.CATEGORIES) < set(table)
    assert county["sold_day"].max() == 391
    assert (town["alley"] == "NA").mean() > 0.9
    assert town["lot_frontage"].isna().any()


def test_customers_of_a_day_know_nothing_later(public_data: Path, tmp_path: Path) -> None:
    """Cutting the log at the day changes labels and nothing else."""
    events = pd.read_csv(public_data / SHOP, dtype=str)
    whole = read_cdnow(public_data / SHOP, [CUT])
    events[events["date"] <= CUT.isoformat()].to_csv(tmp_path / "cut.csv", index=False)
    cut = read_cdnow(tmp_path / "cut.csv", [CUT])
    pd.testing.assert_frame_equal(whole[list(cdnow.NUMBERS)], cut[list(cdnow.NUMBERS)])
    assert 0.772 < whole[cdnow.LABEL].mean() < 0.773
    assert (cut[cdnow.LABEL] == 1.0).all()


def test_a_customer_who_buys_on_the_day_after_is_not_silent(tmp_path: Path) -> None:
    log = "customer_id,date,number_of_cds,dollar_value\n"
    log += "a,1997-01-01,1,10\na,1997-01-11,2,30\na,1998-01-01,1,9\n"
    (tmp_path / "log.csv").write_text(log + "b,1997-01-05,1,7\n")
    first, second = read_cdnow(tmp_path / "log.csv", [CUT]).to_dict("records")
    assert (first["silent"], second["silent"]) == (0.0, 1.0)
    assert (first["purchases"], first["dollars"], first["days_between_mean"]) == (2.0, 40.0, 10.0)
    assert first["days_since_last"] == 354.0
    assert pd.isna(second["days_between_mean"])


def test_a_cut_whose_horizon_is_not_over_is_refused(public_data: Path) -> None:
    with pytest.raises(ContractError, match=r"cuts at least 180 days before 1998-06-30.*got 1998-02-01"):
        read_cdnow(public_data / SHOP, [date(1998, 2, 1)])

from __future__ import annotations

from pathlib import Path

import pytest

from estate.core.errors import ImportFileError
from estate.datasets.importer import import_file
from estate.datasets.mapping import Mapping, read_mapping
from estate.datasets.quarantine import Quarantine
from estate.store.database import Database
from estate.store.facts import read_facts

MAPPING = """
columns:
  lead_id: Lead Number
  event_at: Created
  financing: Pays
  budget_usd: Budget
values:
  financing: {yes: cash, no: needs_loan, 007: cash}
constants: {source: portal}
time_zone: America/New_York
time_format: "%d/%m/%Y %H:%M"
separator: ";"
missing: ["-", "NULL"]
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "mapping.yaml"
    path.write_text(text)
    return path


def test_a_file_of_somebody_elses_is_read_as_one_of_ours(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(
        "Lead Number;Created;Pays;Budget;Noise\n"
        "0007;05/01/2026 08:30;yes;-;x\n"
        "8;05/01/2026 08:30;007;10;x\n"
        "9;08/03/2026 02:30;no;NULL;x\n"
        "10;2026-01-05;no;1;x\n"
    )
    mapping = read_mapping(_write(tmp_path, MAPPING))
    report = import_file(database, "leads", path, home=tmp_path, mapping=mapping)
    assert report.ignored_columns == ("Noise",)
    stored = read_facts(database, "leads")
    assert stored[["lead_id", "source", "financing"]].values.tolist() == [
        ["0007", "portal", "cash"],
        ["8", "portal", "cash"],
    ]
    assert stored["budget_usd"].isna().tolist() == [True, False]
    assert str(stored["event_at"].iloc[0]) == "2026-01-05 13:30:00+00:00"
    skipped, other = Quarantine(tmp_path, report.import_id).read()
    assert (
        "expected a time that America/New_York has exactly once, got '08/03/2026 02:30'" in skipped.reasons[0]
    )
    assert "expected a time like %d/%m/%Y %H:%M, got '2026-01-05'" in other.reasons[0]


def test_naive_and_aware_times_may_stand_in_one_column(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "mixed.csv"
    times = [
        "2026-07-05",
        "2026-07-05 08:30",
        "2026-07-05T08:30:00.25+05:30",
        "2026-07-05T08:30:00Z",
        "20260705",
    ]
    path.write_text("lead_id,event_at\n" + "".join(f"L{i},{time}\n" for i, time in enumerate(times)))
    mapping = Mapping(time_zone="Europe/Prague")
    report = import_file(database, "leads", path, home=tmp_path, mapping=mapping)
    assert read_facts(database, "leads")["event_at"].astype(str).tolist() == [
        "2026-07-04 22:00:00+00:00",
        "2026-07-05 06:30:00+00:00",
        "2026-07-05 03:00:00.250000+00:00",
        "2026-07-05 08:30:00+00:00",
    ]
    assert report.rows_refused == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colums: {lead_id: a}", "expected some of columns, values, .*got colums"),
        ("- a list", "got list"),
        ("columns: [lead_id]", "`columns`: expected the form that the documentation shows, got a list"),
        ("columns: {lead_id: {a: b}}", "`columns`: expected the form"),
        ("time_zone: Mars/Olympus", "expected a name such as Europe/Prague, got 'Mars/Olympus'"),
        ("encoding: utf-99", "expected a name such as latin-1"),
        ("separator: '||'", "expected one character"),
        ("columns: {a: b", "expected YAML"),
    ],
)
def test_a_wrong_mapping_file_says_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ImportFileError, match=message):
        read_mapping(_write(tmp_path, text))


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            Mapping(columns={"phone": "x"}),
            "mapping `columns`: expected columns of interactions: .*got 'phone'",
        ),
        (
            Mapping(columns={"kind": "Type"}),
            r"expected column kind \(as 'Type'\), .*Correct the mapping file",
        ),
        (Mapping(columns={"property_id": "P"}), r"expected column property_id \(as 'P'\)"),
        (Mapping(values={"kind": {"Visit": "look"}}), "mapping `values` of kind: expected one of visit"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(
    database: Database, tmp_path: Path, mapping: Mapping, message: str
) -> None:
    path = tmp_path / "v.csv"
    path.write_text("interaction_id,lead_id,kind,event_at\n")
    with pytest.raises(ImportFileError, match=message):
        import_file(database, "interactions", path, home=tmp_path, mapping=mapping)

from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path

import pandas as pd
import pytest

from estate.core.errors import ImportFileError
from estate.datasets.importer import import_file
from estate.datasets.mapping import Mapping
from estate.datasets.quarantine import Quarantine
from estate.datasets.report import Progress
from estate.store.database import Database
from estate.store.facts import count_facts, read_facts
from estate.store.imports import import_lock
from tests.estate.datasets.import_files import visits, written


def test_good_rows_are_stored_and_bad_ones_kept_with_reasons(database: Database, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "lead_id,area,budget_usd,event_at,recorded_at\n"
        "00123,NA,250000,2026-01-05,2026-01-06T10:00:00+02:00\n"
        'a,"Elm\nPark","250,000",yesterday,2026-01-06\n'
        ",Elm Park,-5,2026-01-05,2026-01-06\n"
        "b,Elm Park,1,2026-01-07,2026-01-06\n"
        "c,Elm Park,1,2026-01-07\n",
    )
    report = import_file(database, "leads", path, home=tmp_path)
    assert (report.rows_read, report.rows_new, report.rows_refused) == (5, 1, 4)
    stored = read_facts(database, "leads").iloc[0]
    assert (stored["lead_id"], stored["area"]) == ("00123", "NA")
    assert str(stored["recorded_at"]) == "2026-01-06 08:00:00+00:00"
    refused = Quarantine(tmp_path, report.import_id).read()
    assert [one.line for one in refused] == [3, 5, 6, 7]
    assert refused[0].reasons == (
        "budget_usd: expected a number without thousands separators or units, such as 250000, got '250,000'",
        "event_at: expected ISO 8601 such as 2026-01-05T08:30:00Z, got 'yesterday'",
    )
    assert refused[0].row == 'a,"Elm\nPark","250,000",yesterday,2026-01-06'
    assert refused[1].reasons == (
        "lead_id: expected a value, got nothing",
        "budget_usd: expected 0 to 1e+10, got -5.0",
    )
    assert "recorded_at: expected no earlier than event_at" in refused[2].reasons[0]
    assert refused[3].reasons == ("expected 5 fields, got 4",)


@pytest.mark.parametrize("chunk_rows", [3, 50_000])
def test_rows_after_an_unreadable_one_keep_their_own_values(
    database: Database, tmp_path: Path, chunk_rows: int
) -> None:
    """Hostile rows of every sort between good ones: only these are refused."""
    bad = ["x,L1,visit\n", 'x,"L1"x,visit,2026-01-05\n', "a,b,c,d,e,f\n", "y,L1,visit,05.01.2026\n"]
    lines = [f"i{i},L{i},visit,2026-01-{i + 1:02}\n" + bad[i % 4] for i in range(20)]
    path = written(tmp_path, "interaction_id,lead_id,kind,event_at\n" + "".join(lines))
    report = import_file(database, "interactions", path, home=tmp_path, chunk_rows=chunk_rows)
    assert (report.rows_new, report.rows_refused) == (20, 20)
    stored = read_facts(database, "interactions").set_index("interaction_id")
    for i in range(20):
        row = stored.loc[f"i{i}"]
        assert (row["lead_id"], row["event_at"].day) == (f"L{i}", i + 1)
    assert [one.line for one in Quarantine(tmp_path, report.import_id).read()] == list(range(3, 43, 2))


def test_quarantine_is_for_its_owner_alone(database: Database, tmp_path: Path) -> None:
    report = import_file(database, "interactions", visits(tmp_path / "v.csv", 10), home=tmp_path)
    assert report.quarantine is not None
    assert stat.S_IMODE(report.quarantine.stat().st_mode) == 0o600


@pytest.mark.parametrize("chunk_rows", [1, 7, 50_000])
def test_the_same_file_again_changes_nothing(database: Database, tmp_path: Path, chunk_rows: int) -> None:
    path = visits(tmp_path / "v.csv", 30)
    first = import_file(database, "interactions", path, home=tmp_path, chunk_rows=chunk_rows)
    again = import_file(database, "interactions", path, home=tmp_path)
    assert (first.rows_new, first.rows_refused, first.finished_before) == (27, 3, False)
    assert (again.rows_new, again.rows_refused, again.finished_before) == (0, 3, True)
    assert len(Quarantine(tmp_path, first.import_id).read()) == 3
    assert count_facts(database, "interactions") == 27


def test_another_file_with_the_same_facts_brings_only_new_ones(database: Database, tmp_path: Path) -> None:
    import_file(database, "interactions", visits(tmp_path / "a.csv", 9), home=tmp_path)
    report = import_file(database, "interactions", visits(tmp_path / "b.csv", 19), home=tmp_path)
    assert (report.rows_new, report.rows_known, report.rows_refused) == (9, 9, 1)


def test_dates_in_five_forms_are_refused_one_by_one_with_one_reason_each(
    database: Database, tmp_path: Path
) -> None:
    forms = ["2026-01-05", "01/05/2026", "5 Jan 2026", "1767614400", "20260105", "2026-01-05T08:30:00+01:00"]
    text = "lead_id,event_at\n" + "\n".join(f"l{i},{form}" for i, form in enumerate(forms)) + "\n"
    report = import_file(database, "leads", written(tmp_path, text), home=tmp_path)
    assert (report.rows_new, report.rows_refused) == (2, 4)
    for refused, form in zip(Quarantine(tmp_path, report.import_id).read(), forms[1:5], strict=True):
        (reason,) = refused.reasons
        assert reason == f"event_at: expected ISO 8601 such as 2026-01-05T08:30:00Z, got {form!r}"


def test_a_formula_is_kept_as_text_and_runs_in_no_spreadsheet(database: Database, tmp_path: Path) -> None:
    rows = ["=cmd|' /C calc'!A0,x,=5*5,2026-01-05", "+1,@SUM(A1),5,2026-01-05", "'ok,x,no,2026-01-05"]
    text = "lead_id,source,budget_usd,event_at\n" + "\n".join(rows) + "\n"
    report = import_file(database, "leads", written(tmp_path, text), home=tmp_path)
    assert (report.rows_new, report.rows_refused) == (1, 2)
    assert read_facts(database, "leads")["source"].tolist() == ["@SUM(A1)"]
    quarantine = Quarantine(tmp_path, report.import_id)
    assert [one.row for one in quarantine.read()] == [rows[0], rows[2]]
    for line in quarantine.path.read_text().splitlines()[1:]:
        assert line.split('","', 2)[2][0] == "'"


def test_a_file_without_recorded_at_is_taken_as_known_when_it_happened(
    database: Database, tmp_path: Path
) -> None:
    import_file(database, "interactions", visits(tmp_path / "v.csv", 1), home=tmp_path)
    stored = read_facts(database, "interactions").iloc[0]
    assert stored["recorded_at"] == stored["event_at"]


def test_gzip_byte_order_mark_and_other_encodings(database: Database, tmp_path: Path) -> None:
    text = "lead_id,area,event_at\nL{},Žďár,2026-01-05\n"
    for number, raw in enumerate((b"\xef\xbb\xbf" + text.encode(), gzip.compress(text.encode()))):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(raw.replace(b"L{}", b"L%d" % number) if number == 0 else raw)
        assert import_file(database, "leads", path, home=tmp_path).rows_new == 1
    path = tmp_path / "old.csv"
    path.write_bytes(text.replace("{}", "9").encode("cp1250"))
    with pytest.raises(
        ImportFileError, match=r"expected text in utf-8-sig, got byte 0x8e\. Name the right `enc"
    ):
        import_file(database, "leads", path, home=tmp_path)
    import_file(database, "leads", path, home=tmp_path, mapping=Mapping(encoding="cp1250"))
    assert set(read_facts(database, "leads")["area"]) == {"Žďár"}


@pytest.mark.parametrize("group_rows", [3, 1000])
def test_parquet_keeps_long_ids_and_times(database: Database, tmp_path: Path, group_rows: int) -> None:
    table = pd.DataFrame(
        {
            "interaction_id": [f"i{i}" for i in range(10)],
            "lead_id": pd.array([2**60 + 1] * 10, dtype="Int64"),
            "kind": pd.Categorical(["visit"] * 9 + ["sneeze"]),
            "property_id": [7.0, None] * 5,
            "event_at": pd.date_range("2026-01-05", periods=10, freq="h"),
        }
    )
    path = tmp_path / "v.parquet"
    table.to_parquet(path, row_group_size=group_rows)
    report = import_file(
        database,
        "interactions",
        path,
        home=tmp_path,
        chunk_rows=4,
        mapping=Mapping(time_zone="Europe/Prague"),
    )
    assert (report.rows_new, report.rows_refused) == (9, 1)
    back = read_facts(database, "interactions")
    assert back["lead_id"].unique().tolist() == [str(2**60 + 1)]
    assert back["property_id"].tolist()[:2] == ["7", None]
    assert str(back["event_at"].iloc[0]) == "2026-01-04 23:00:00+00:00"
    (refused,) = Quarantine(tmp_path, report.import_id).read()
    assert refused.line == 10
    assert '"kind": "sneeze"' in refused.row


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "a.csv", "expected a header and rows, got an empty file"),
        (b"PK\x03\x04rest", "a.xlsx", "a zip archive, perhaps a spreadsheet.* Save it as CSV"),
        (b"PAR1 and nothing else", "a.parquet", "expected a whole Parquet file"),
        (b"lead_id\n", "a.parquet", "expected CSV or Parquet, got no Parquet inside"),
        ("lead_id\n".encode("utf-16"), "a.csv", "got UTF-16. Say `encoding: utf-16`"),
        (b"lead_id,lead_id,event_at\n", "a.csv", "expected every column once, got twice: lead_id"),
        (
            b"Lead Number;Created\n1;2\n",
            "a.csv",
            r"expected column lead_id, event_at, got Lead Number;Created",
        ),
        (b'lead_id,event_at\na,2026-01-05\n"b,2026', "a.csv", "from line 3: expected every quote closed"),
        (
            gzip.compress(b"lead_id,event_at\n" + os.urandom(50_000).hex().encode())[:20_000],
            "a.csv.gz",
            "gzip",
        ),
    ],
)
def test_a_file_that_cannot_be_imported_says_why(
    database: Database, tmp_path: Path, content: bytes, name: str, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImportFileError, match=message):
        import_file(database, "leads", path, home=tmp_path)


def test_a_missing_file_and_an_unknown_kind_are_named(database: Database, tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match=r"nothing\.csv: expected a file to read, got no such file"):
        import_file(database, "leads", tmp_path / "nothing.csv", home=tmp_path)
    with pytest.raises(ImportFileError, match=r"kind of facts: expected one of leads, .*, got 'phones'"):
        import_file(database, "phones", tmp_path / "nothing.csv", home=tmp_path)


def test_a_corrected_end_of_a_cut_off_file_brings_only_the_rest(database: Database, tmp_path: Path) -> None:
    whole = gzip.compress(visits(tmp_path / "v.csv", 5000).read_bytes())
    path = tmp_path / "v.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ImportFileError, match="expected a whole gzip file"):
        import_file(database, "interactions", path, home=tmp_path, chunk_rows=100)
    before = count_facts(database, "interactions")
    path.write_bytes(whole)
    report = import_file(database, "interactions", path, home=tmp_path)
    assert before > 0
    assert report.rows_new == 4500 - before


def test_progress_rises_to_the_whole(database: Database, tmp_path: Path) -> None:
    seen: list[Progress] = []
    path = visits(tmp_path / "v.csv", 30)
    import_file(database, "interactions", path, home=tmp_path, chunk_rows=10, progress=seen.append)
    assert [one.rows_read for one in seen] == [10, 20, 30]
    assert [one.rows_refused for one in seen] == [1, 2, 3]
    assert seen[-1].share == 1.0


def test_only_one_process_works_on_an_import(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = visits(tmp_path / "v.csv", 3)
    monkeypatch.setattr("estate.store.imports._PATIENCE_SECONDS", 0.1)
    report = import_file(database, "interactions", path, home=tmp_path)
    with (
        import_lock(database, report.import_id),
        pytest.raises(ImportFileError, match="expected one process at a time"),
    ):
        import_file(database, "interactions", path, home=tmp_path)


class _PowerCut(BaseException):
    pass


@pytest.mark.parametrize(("group_rows", "chunk_rows"), [(3, 100), (7, 4), (1000, 6)])
def test_a_parquet_import_that_ends_early_goes_on_where_it_was(
    database: Database, tmp_path: Path, group_rows: int, chunk_rows: int
) -> None:
    table = pd.read_csv(visits(tmp_path / "v.csv", 40))
    table.to_parquet(tmp_path / "v.parquet", row_group_size=group_rows)

    def cut(now: Progress) -> None:
        if now.rows_read > 10:
            raise _PowerCut

    with pytest.raises(_PowerCut):
        import_file(
            database,
            "interactions",
            tmp_path / "v.parquet",
            home=tmp_path,
            chunk_rows=chunk_rows,
            progress=cut,
        )
    report = import_file(database, "interactions", tmp_path / "v.parquet", home=tmp_path, chunk_rows=9)
    assert 10 < report.resumed_at < 40
    assert (report.rows_read, report.rows_known, report.rows_refused) == (40, 0, 4)
    assert count_facts(database, "interactions") == 36
    assert [one.line for one in Quarantine(tmp_path, report.import_id).read()] == [10, 20, 30, 40]

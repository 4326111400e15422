"""Files that say other things of known facts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from estate.core.clock import now
from estate.datasets.importer import import_file
from estate.datasets.quarantine import Quarantine
from estate.store.database import Database
from estate.store.facts import read_facts
from tests.estate.datasets.import_files import VISITS, written


def test_other_values_are_a_correction_only_where_somebody_says_so(
    database: Database, tmp_path: Path
) -> None:
    head = "lead_id,budget_usd,event_at"
    first = written(tmp_path, f"{head}\na,100,2026-01-05\nb,100,2026-01-05\n")
    import_file(database, "leads", first, home=tmp_path)
    other = written(tmp_path, f"{head}\na,200,2026-01-05\nb,100,2026-01-05\nc,1,2026-01-05\n", "b.csv")
    plain = import_file(database, "leads", other, home=tmp_path)
    assert (plain.rows_new, plain.rows_corrected, plain.rows_known, plain.rows_refused) == (1, 0, 1, 1)
    (refused,) = Quarantine(tmp_path, plain.import_id).read()
    assert "use --corrections, or say in recorded_at" in refused.reasons[0]
    began = now()
    asked = import_file(database, "leads", other, home=tmp_path, corrections=True)
    assert (asked.rows_new, asked.rows_corrected, asked.rows_known, asked.rows_refused) == (0, 1, 2, 0)
    again = import_file(database, "leads", other, home=tmp_path, corrections=True)
    assert again.finished_before
    assert read_facts(database, "leads", as_of=began)["budget_usd"].tolist() == [100.0, 100.0, 1.0]
    assert read_facts(database, "leads")["budget_usd"].tolist() == [200.0, 100.0, 1.0]


def test_a_file_of_versions_brings_each_at_its_time(database: Database, tmp_path: Path) -> None:
    rows = [
        "a,100,2026-01-05,2026-01-05",
        "a,200,2026-01-05,2026-01-08",
        "a,300,2026-01-05,2026-01-06",
        "a,250,2026-01-05,2026-01-08",
    ]
    path = written(tmp_path, "lead_id,budget_usd,event_at,recorded_at\n" + "\n".join(rows) + "\n")
    report = import_file(database, "leads", path, home=tmp_path)
    assert (report.rows_new, report.rows_corrected, report.rows_refused) == (1, 2, 1)
    (refused,) = Quarantine(tmp_path, report.import_id).read()
    assert (refused.line, "other values" in refused.reasons[0]) == (5, True)
    seen = [
        read_facts(database, "leads", as_of=datetime(2026, 1, day, 1, tzinfo=UTC))["budget_usd"].tolist()
        for day in (5, 6, 8)
    ]
    assert seen == [[100.0], [300.0], [200.0]]
    apart = import_file(
        database, "leads", written(tmp_path, path.read_text() + "\n", "c.csv"), home=tmp_path, chunk_rows=1
    )
    assert (apart.rows_new, apart.rows_known, apart.rows_refused) == (0, 3, 1)
    (refused,) = Quarantine(tmp_path, apart.import_id).read()
    assert "recorded at the same moment" in refused.reasons[0]


def test_an_id_with_other_values_is_refused_within_a_chunk_and_across(
    database: Database, tmp_path: Path
) -> None:
    rows = ["i1,L1,visit,2026-01-05", "i1,L1,visit,2026-01-05", "i1,L2,visit,2026-01-05"]
    path = written(tmp_path, VISITS + "\n".join(rows) + "\n")
    together = import_file(database, "interactions", path, home=tmp_path)
    assert (together.rows_new, together.rows_known, together.rows_refused) == (1, 1, 1)
    apart = import_file(
        database,
        "interactions",
        written(tmp_path, path.read_text() + "\n", "b.csv"),
        home=tmp_path,
        chunk_rows=1,
    )
    assert (apart.rows_new, apart.rows_known, apart.rows_refused) == (0, 2, 1)
    for report in (together, apart):
        (refused,) = Quarantine(tmp_path, report.import_id).read()
        assert (refused.line, refused.row) == (4, rows[2])
        assert "other values" in refused.reasons[0]
    assert read_facts(database, "interactions")["lead_id"].tolist() == ["L1"]

"""Imports that are killed, and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from estate.datasets.importer import import_file
from estate.datasets.quarantine import Quarantine
from estate.store.database import Database
from estate.store.facts import count_facts, read_facts
from estate.store.imports import list_imports
from tests.estate.datasets.import_files import visits

KILLED = """
    import sys
    from pathlib import Path
    from estate.datasets.importer import import_file
    from estate.store.database import Database

    import_file(
        Database(sys.argv[1]), "interactions", Path(sys.argv[2]), home=Path(sys.argv[3]), chunk_rows=500,
        progress=lambda now: print(now.rows_read, flush=True),
    )
"""


def test_killed_in_the_middle_and_run_again_it_stores_everything_once(
    database: Database, tmp_path: Path
) -> None:
    rows = 60_000
    path = visits(tmp_path / "v.csv", rows)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), database.url, str(path), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == 500
        time.sleep(0.2)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    (killed,) = list_imports(database)
    assert killed.finished_at is None
    assert 500 <= killed.rows_read < rows
    assert count_facts(database, "interactions") == killed.rows_read * 9 // 10
    # what the killed chunk may have left behind: refused rows without their commit, the last one torn
    quarantine = Quarantine(tmp_path, killed.import_id)
    with quarantine.path.open("a") as file:
        file.write(
            f'"{killed.rows_read + 11}","kind: expected","not committed"\n"{killed.rows_read + 21}","ki'
        )
    report = import_file(database, "interactions", path, home=tmp_path)
    assert report.resumed_at == killed.rows_read
    assert report.rows_read == rows
    assert count_facts(database, "interactions") == rows * 9 // 10
    assert [one.line for one in quarantine.read()] == list(range(11, rows + 2, 10))
    assert report.rows_refused == rows // 10


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_killed_fifty_times_at_random_moments_every_version_is_there_once(
    database: Database, tmp_path: Path
) -> None:
    """A file of facts and their corrections, in no order; chunks of 500, of which each adds versions."""
    random = np.random.default_rng(4)
    count = 120_000
    recorded = pd.Timestamp("2026-01-06", tz="UTC") + pd.to_timedelta(random.permutation(count), "s")
    rows = pd.DataFrame(
        {
            "interaction_id": [f"i{i}" for i in random.integers(0, count // 3, count)],
            "lead_id": [f"L{i}" for i in random.integers(0, 500, count)],
            "kind": random.choice(["visit", "call", "not a kind"], count, p=[0.6, 0.35, 0.05]),
            "event_at": pd.Timestamp("2026-01-05", tz="UTC"),
            "recorded_at": recorded,
        }
    )
    path = tmp_path / "versions.csv"
    rows.to_csv(path, index=False)
    command = [sys.executable, "-c", textwrap.dedent(KILLED), database.url, str(path), str(tmp_path)]
    kills = 0
    while kills < 50:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            if kills % 5:  # each fifth is killed before it has done anything
                process.stdout.readline()
            time.sleep(random.uniform(0, 0.15))
            os.kill(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        kills += 1
    (killed,) = list_imports(database)
    assert killed.finished_at is None, "killed too late to prove anything"
    report = import_file(database, "interactions", path, home=tmp_path)
    assert 0 < report.resumed_at < count
    good = rows[rows["kind"] != "not a kind"]
    stored = read_facts(database, "interactions", versions=True)
    columns = ["interaction_id", "lead_id", "kind", "recorded_at"]
    expected = good.sort_values(columns[::3], ignore_index=True)[columns]
    found = stored.sort_values(columns[::3], ignore_index=True)[columns]
    assert found.to_numpy().tolist() == expected.to_numpy().tolist()
    newest = good.sort_values("recorded_at").groupby("interaction_id")["kind"].last()
    held = read_facts(database, "interactions").set_index("interaction_id")["kind"]
    assert held.sort_index().to_dict() == newest.sort_index().to_dict()
    refused = Quarantine(tmp_path, report.import_id).read()
    assert [one.line - 2 for one in refused] == np.flatnonzero(rows["kind"] == "not a kind").tolist()

"""Reading a CRM's own database, killed at random moments while the CRM goes on writing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from estate.datasets.quarantine import Quarantine
from estate.intake.extraction_plan import ExtractionPlan
from estate.store.database import Database
from estate.store.facts import read_facts
from tests.estate.intake.calls import START, Crm, crm, extract, plan, url_of, write

__all__ = ["crm", "plan"]  # fixtures

EXTRACTOR = """
    import sys
    from pathlib import Path
    from estate.intake.extraction import extract_kind
    from estate.intake.extraction_plan import read_plan
    from estate.store.database import Database

    plan, home = read_plan(Path(sys.argv[2])), Path(sys.argv[3])
    print("ready", flush=True)
    sys.stdin.readline()
    extract_kind(
        Database(sys.argv[1]), plan, plan.tables[0], url=sys.argv[4], home=home, rows_at_once=50,
        progress=lambda done: print(done.rows_read, flush=True),
    )
"""


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_killed_fifty_times_while_the_crm_goes_on_writing_no_row_is_lost_and_none_twice(
    database: Database, crm: Crm, plan: ExtractionPlan, tmp_path: Path
) -> None:
    """New rows, late ones and corrections come in between; half of the kills hit within a transaction."""
    dice, clock, rows = random.Random(7), START, 0
    command = [sys.executable, "-c", textwrap.dedent(EXTRACTOR), database.url, str(tmp_path / "desk.yaml")]
    command += [str(tmp_path), url_of(crm)]
    cut_off = 0
    for kill in range(50):
        for _ in range(400 if kill == 0 else 60):
            clock += timedelta(minutes=3)
            late = timedelta(hours=dice.uniform(0, 20)) if dice.random() < 0.2 else timedelta(0)
            write(crm, rows, clock - late, what="fax" if rows % 50 == 49 else "phone")
            rows += 1
        for number in dice.sample(range(rows), 3):
            write(crm, number, clock, seconds=dice.randint(1, 900), what="phone")
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            process.stdin.write("go\n")
            process.stdin.flush()
            if kill % 2:
                process.stdout.readline()
            time.sleep(dice.uniform(0.0, 0.25 if kill % 2 else 1.0))
            os.kill(process.pid, signal.SIGKILL)
            cut_off += process.wait() == -signal.SIGKILL
    assert cut_off >= 40, "it was too quick to be killed"
    extract(database, crm, plan, tmp_path, rows_at_once=500)
    theirs = crm.execute(
        "SELECT id::text, contact, seconds::float8 FROM calls WHERE what = 'phone'"
    ).fetchall()
    ours = read_facts(database, "interactions")[["interaction_id", "lead_id", "duration_seconds"]]
    assert sorted(ours.itertuples(index=False, name=None)) == sorted(theirs)
    versions = read_facts(database, "interactions", as_of=datetime.now(UTC), versions=True)
    said = versions.drop(columns=["recorded_at", "superseded_at"])
    assert not said.duplicated().any(), "a version is there twice"
    faxes = crm.execute("SELECT count(*) FROM calls WHERE what = 'fax'").fetchone()
    assert faxes is not None
    assert len({one.row for one in Quarantine(tmp_path, "desk-interactions").read()}) >= int(str(faxes[0]))

"""A run that is stopped in any way goes on where it was, and its file is the one of a run that never was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from estate.core.errors import DataError, LeadloopError
from serving.batch import BatchOptions, BatchResult, score_rows
from serving.batch.work import Work
from serving.models import ServedModel
from tests.serving.homes import plain_spec, serve, table, with_texts, write_training

ROOT = Path(__file__).parents[2]
ROWS, AT_ONCE = 2000, 50
CHILD = """
import os, signal, sys
from pathlib import Path
from serving.batch import BatchOptions, score_rows
from serving.batch import work
from tests.serving.homes import open_again
bundle, source, target, stop, where = sys.argv[1:]
served = open_again(Path(bundle))
calls = 0
def dies(before):
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == int(stop):
            os.kill(os.getpid(), signal.SIGKILL)
        return before(*arguments, **named)
    return call
if where == "sync":
    work._sync = dies(work._sync)
elif where == "put":
    Path.replace = dies(Path.replace)
elif where == "remove":
    work.shutil.rmtree = dies(work.shutil.rmtree)
options = BatchOptions(workers=2, rows_at_once=50, on_bad_rows="quarantine")
score_rows(served, Path(source), Path(target), options)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(scope="module")
def served(folder: Path) -> ServedModel:
    return serve(plain_spec(write_training(folder)), folder / "bundle")


@pytest.fixture(scope="module")
def rows(folder: Path) -> pd.DataFrame:
    """Return rows of which some have no number where one is expected."""
    return with_texts(table(ROWS), dict.fromkeys(range(5, ROWS, 333), "cheap"))


def options(**changed: object) -> BatchOptions:
    return BatchOptions(**{"workers": 2, "rows_at_once": AT_ONCE, "on_bad_rows": "quarantine", **changed})  # type: ignore[arg-type]


def killed(served: ServedModel, source: Path, target: Path, stop: str) -> None:
    command = child(CHILD, served, source, target, stop)
    ran = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert ran.returncode == -signal.SIGKILL, ran.stderr


def child(code: str, served: ServedModel, source: Path, target: Path, stop: str) -> list[str | Path]:
    assert served.answering is not None
    assert served.answering.bundle is not None
    where, number = stop.split()
    return [sys.executable, "-c", code, served.answering.bundle.folder, source, target, number, where]


def content(path: Path) -> object:
    """Return all of a file but the time at which its run began."""
    if path.suffix == ".parquet":
        file = pq.ParquetFile(path)
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
        return sizes, file.read().drop_columns(["at"]).to_pydict().__repr__()
    return pd.read_csv(path, dtype=str).drop(columns=["at"], errors="ignore").to_csv()


def write(rows: pd.DataFrame, path: Path) -> Path:
    rows.to_parquet(path) if path.suffix == ".parquet" else rows.to_csv(path, index=False)
    return path


SYNCS = (1, 2, 3, 20, 61, 84, 87, 88)
"""The run dies when it is about to make so many things sure on the disk: of its head, a chunk, its end."""


@pytest.mark.thorough
@pytest.mark.parametrize("stop", [*(f"sync {i}" for i in SYNCS), "put 1", "put 2", "remove 1"])
@pytest.mark.parametrize("kind", ["parquet", "csv", "csv.gz"])
def test_killed_anywhere_the_file_is_that_of_a_run_that_was_not(
    served: ServedModel, rows: pd.DataFrame, tmp_path: Path, stop: str, kind: str
) -> None:
    source, target, other = (write(rows, tmp_path / f"in.{kind}"), *(tmp_path / f"{n}.{kind}" for n in "ab"))
    whole = score_rows(served, source, other, options())
    killed(served, source, target, stop)
    done = score_rows(served, source, target, options())
    assert (done.rows, done.bad_rows) == (whole.rows, whole.bad_rows) == (ROWS - 6, 6)
    assert content(target) == content(other)
    assert content(tmp_path / "a.bad.csv") == content(tmp_path / "b.bad.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["a.bad.csv", f"a.{kind}", "b.bad.csv", f"b.{kind}", f"in.{kind}"]
    )


class Stopped(Exception):
    """A run is stopped from inside."""


def stop_at(row: int) -> BatchOptions:
    def progress(done: int, total: int | None) -> None:
        if done >= row:
            raise Stopped

    return options(progress=progress)


def stopped(served: ServedModel, source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    with pytest.raises(Stopped):
        score_rows(served, source, target, stop_at(1000))
    assert not target.exists()


def again(
    served: ServedModel, source: Path, target: Path, **changed: object
) -> tuple[BatchResult, list[str]]:
    said: list[str] = []
    return score_rows(served, source, target, options(say=said.append, **changed)), said


def test_a_stopped_run_goes_on_and_keeps_its_time(
    served: ServedModel, rows: pd.DataFrame, tmp_path: Path
) -> None:
    source, target = write(rows, tmp_path / "in.parquet"), tmp_path / "out.parquet"
    stopped(served, source, target)
    done, said = again(served, source, target)
    assert (done.resumed_at, done.rows) == (1000, ROWS - 6)
    assert said[0].startswith("goes on at row 1,000")
    assert len(set(pd.read_parquet(target)["at"])) == 1
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_another_source_version_or_option_starts_anew_and_says_so(
    served: ServedModel, rows: pd.DataFrame, tmp_path: Path
) -> None:
    source, target = write(rows, tmp_path / "in.csv"), tmp_path / "out.csv"
    stopped(served, source, target)
    done, said = again(served, source, target, rows_at_once=500)
    assert (done.resumed_at, said[0]) == (
        0,
        "starts anew: rows at once changed since the run that was stopped",
    )
    stopped(served, source, target)
    write(rows.assign(rooms=1), source)
    done, said = again(served, source, target)
    assert (done.resumed_at, said[0][:24]) == (0, "starts anew: the source ")
    assert set(pd.read_csv(target)["rooms"]) == {1}
    stopped(served, source, target)
    newer = serve(served.spec, tmp_path / "bundle", "2")
    done, said = again(newer, source, target)
    assert (done.resumed_at, said[0][:21]) == (0, "starts anew: version ")
    assert set(pd.read_csv(target)["version"]) == {2}


def test_a_journal_that_is_cut_anywhere_is_gone_on_with(
    served: ServedModel, rows: pd.DataFrame, tmp_path: Path
) -> None:
    source, target, other = write(rows, tmp_path / "in.csv"), tmp_path / "a.csv", tmp_path / "b.csv"
    score_rows(served, source, other, options())
    for cut in (0, 10, 400, 2000, 4321):
        stopped(served, source, target)
        journal = Work(target).folder / "journal"
        journal.write_bytes(journal.read_bytes()[:cut])
        assert score_rows(served, source, target, options()).rows == ROWS - 6
        assert content(target) == content(other)


def test_bytes_that_are_gone_are_scored_again(
    served: ServedModel, rows: pd.DataFrame, tmp_path: Path
) -> None:
    source, target = write(rows, tmp_path / "in.csv"), tmp_path / "out.csv"
    stopped(served, source, target)
    os.truncate(Work(target).folder / "rows", 100)
    done, _ = again(served, source, target)
    assert (done.resumed_at, done.rows) == (0, ROWS - 6)


def test_two_runs_do_not_write_one_file(served: ServedModel, rows: pd.DataFrame, tmp_path: Path) -> None:
    source, target = write(rows, tmp_path / "in.csv"), tmp_path / "out.csv"
    with Work(target).locked(), pytest.raises(LeadloopError, match="one run at a time"):
        score_rows(served, source, target, options())


def test_a_source_that_changes_under_the_run_is_refused(
    served: ServedModel, rows: pd.DataFrame, tmp_path: Path
) -> None:
    source, target = write(rows, tmp_path / "in.parquet"), tmp_path / "out.csv"

    def progress(done: int, total: int | None) -> None:
        if done == 1000:
            os.utime(source, ns=(1, 1))

    with pytest.raises(DataError, match="expected the same rows"):
        score_rows(served, source, target, options(progress=progress))
    assert not target.exists()


@pytest.mark.thorough
def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(
    served: ServedModel, rows: pd.DataFrame, tmp_path: Path
) -> None:
    source, target = write(rows, tmp_path / "in.csv"), tmp_path / "out.csv"
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
{CHILD}
"""
    command = child(code, served, source, target, "nowhere 0")
    ran = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert "expected room on the disk" in ran.stderr
    assert "Make room and run the same command: it goes on at row" in ran.stderr
    assert not target.exists()
    done, _ = again(served, source, target)
    assert (done.resumed_at > 0, done.rows) == (True, ROWS - 6)

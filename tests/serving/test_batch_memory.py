"""The memory of a run does not grow with its table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from tests.serving.homes import plain_spec, serve, table, write_training

ROOT = Path(__file__).parents[2]
CHILD = """
import re, sys
from pathlib import Path
from serving.batch import BatchOptions, score_rows
from tests.serving.homes import open_again
bundle, source, target = map(Path, sys.argv[1:])
score_rows(open_again(bundle), source, target, BatchOptions(workers=2, rows_at_once=8192))
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])  # getrusage's is the parent's
"""


def peak_kb(bundle: Path, source: Path, target: Path) -> int:
    command = [sys.executable, "-c", CHILD, *map(str, (bundle, source, target))]
    ran = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return int(ran.stdout)


def write_times(rows: pd.DataFrame, path: Path, times: int) -> Path:
    part = pa.Table.from_pandas(rows)
    if path.suffix == ".csv":
        with pyarrow.csv.CSVWriter(path, part.schema) as file:
            for _ in range(times):
                file.write_table(part)
        return path
    with pq.ParquetWriter(path, part.schema) as file:
        # One row group: its size must not matter either.
        file.write_table(pa.concat_tables([part] * times), row_group_size=10_000_000)
    return path


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_more_rows_take_no_more_memory(tmp_path: Path, kind: str) -> None:
    serve(plain_spec(write_training(tmp_path)), tmp_path / "bundle")
    rows = table(50_000).assign(**{f"more_{i}": 1.5 * i for i in range(20)})
    peaks = []
    for times in (12, 40):  # the first is longer than what is read ahead
        source = write_times(rows, tmp_path / f"in{times}.{kind}", times)
        peaks.append(peak_kb(tmp_path / "bundle", source, tmp_path / f"out.{kind}"))
    assert peaks[1] <= 1.1 * peaks[0], peaks

"""Whether every acknowledged answer is in the log, exactly once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serve.home import Home
from benchmarks.serve.load import Load
from benchmarks.serve.measuring import RACE_CONNECTIONS
from benchmarks.serve.running import Running
from estate.core.errors import StackError

_STALLED_SECONDS = 60.0
_POLL_SECONDS = 0.25
_ROOT = Path(__file__).parents[2]


@dataclass
class PredictionCount:
    """Answers against rows of the table ``predictions``, over all runs of ours.

    Parameters
    ----------
    answered : int
        Requests of one row that were answered with 200.
    cut : int
        Requests that may have been under way when a generator hung up: answered perhaps, to nobody.
    kept : int
        Rows in the table after the last drain.
    named, named_kept : int
        Answers whose id was written down, and how many of these ids are in the table.
    drains : list of dict
        Of each round: rows behind when the load ended, and seconds until none was.
    """

    home: Home
    answered: int = 0
    cut: int = 0
    kept: int = 0
    named: int = 0
    named_kept: int = 0
    drains: list[dict[str, float]] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Acknowledged answers that are not in the table, at least."""
        return max(0, self.answered - self.kept) + self.named - self.named_kept

    @property
    def surplus(self) -> int:
        """Rows that no request can have caused."""
        return max(0, self.kept - self.answered - self.cut)

    def press_and_name(self, running: Running, bodies: Path, connections: int, seconds: float) -> list[str]:
        """Ask with our own generator and return the ids of all answers."""
        ids = bodies.with_name("ids.txt")
        command = [sys.executable, "-m", "benchmarks.serve.closed_loop", running.url, str(bodies)]
        size = [str(connections), str(seconds), str(ids)]
        ran = subprocess.run(
            [*command, *size], cwd=_ROOT, capture_output=True, text=True, check=False, timeout=seconds + 120
        )
        if ran.returncode:
            raise StackError("load generator", expected="to end well", got=ran.stderr.strip()[-200:])
        found = json.loads(ran.stdout)
        running.answered += found["requests"] - found["status"]
        return ids.read_text().split()

    def settle(self, running: Running, loads: dict[int, Load], ids: list[str]) -> None:
        """Wait until the table has every answer of this run, or stops growing; remember what is behind."""
        self.answered += running.answered
        self.cut += sum(loads) + RACE_CONNECTIONS  # the warm-up hung up too
        began, grew = time.monotonic(), time.monotonic()
        first = self.kept = self.home.rows()
        while self.kept < self.answered and time.monotonic() - grew < _STALLED_SECONDS:
            time.sleep(_POLL_SECONDS)
            before, self.kept = self.kept, self.home.rows()
            grew = time.monotonic() if self.kept > before else grew
        time.sleep(1.0)  # what was cut off is kept too, if it was scored
        self.kept = self.home.rows()
        self.named += len(set(ids))
        self.named_kept += self.home.rows_of(ids) if ids else 0
        behind = max(0, self.answered - first)
        self.drains.append({"behind": behind, "seconds": round(grew - began, 1) if behind else 0.0})

    def row(self) -> dict[str, object]:
        """Return what is printed."""
        told = "; ".join(f"{drain['behind']} rows behind, {drain['seconds']} s" for drain in self.drains)
        return {
            "server": "leadloop, its log",
            "configuration": f"{self.answered} answers, {self.kept} rows, at most {self.cut} requests cut "
            f"off; {self.named_kept} of {self.named} ids found; {told}",
        }

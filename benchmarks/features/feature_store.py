"""A few features as of each lead's own moment, beside Feast.

Feast joins values that were computed before; it computes none. Of each fact it is given what held once that
fact was known: ``prepared_seconds`` is what that took, by DuckDB, and is not part of ``seconds``.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks.features.asked import RUNNING
from benchmarks.features.compare import PEERS, count_differing, ran, table
from benchmarks.features.data import Size
from benchmarks.serve.environments import python_with
from estate.core.errors import StackError

_WHAT = f"{len(RUNNING.names)} running features, as of"
_VARIABLES = {"FEAST_USAGE": "False"}


def python() -> tuple[Path | None, dict[str, object] | None]:
    """Return the Python that has Feast, installed at the first use; or none and a row, and say why."""
    try:
        return python_with("feast", PEERS / "feast.txt"), None
    except StackError as error:
        print(f"Feast could not be installed: {error.got.strip()}")
        return None, {"what": _WHAT, "by": "Feast: could not be installed"}


def rows(folder: Path, size: Size, feast: Path, *, turns: int) -> list[dict[str, object]]:
    """Prepare once, then take both in turn.

    Raises
    ------
    StackError
        If either fails.
    """
    script = [str(feast), str(PEERS / "feast_history.py")]
    outs = {who: folder / f"running {who}.out" for who in ("leadloop", "Feast")}
    prepared = ran("Feast", [*script, "prepare", str(folder)], _VARIABLES)["seconds"]
    own = [sys.executable, "-m", "benchmarks.features.ours", str(folder), str(outs["leadloop"]), "running"]
    join = [*script, "join", str(folder), str(outs["Feast"])]
    taken = [(ran("leadloop", own), ran("Feast", join, _VARIABLES)) for _ in range(turns)]
    ours = table(outs["leadloop"])
    return [
        {
            "what": _WHAT,
            "leads": size.leads,
            "events": size.events,
            "by": who,
            "seconds": statistics.median(one[at]["seconds"] for one in taken),
            "ratio": statistics.median(one[at]["seconds"] / one[0]["seconds"] for one in taken),
            "peak_mb": max(one[at]["peak_mb"] for one in taken),
            "values_that_differ": count_differing(ours, table(out)),
        }
        | (
            {
                "prepared_seconds": prepared,
                "ratio_with_prepared": statistics.median(
                    (prepared + one[at]["seconds"]) / one[0]["seconds"] for one in taken
                ),
            }
            if who == "Feast"
            else {}
        )
        for at, (who, out) in enumerate(outs.items())
    ]

"""What was set out to be reached, judged by what was seen."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.serve.measuring import Seen
from benchmarks.serve.prediction_count import PredictionCount
from benchmarks.serve.servers import ECHO, FASTAPI_ONNX, MLFLOW, RAY

AT = 64
_RATIOS = ((ECHO, 0.5), (MLFLOW, 80.0), (RAY, 5.0), (FASTAPI_ONNX, 2.0))
COLD_START_SECONDS = 3.0

Goal = dict[str, object]


def goals_of(ours: Seen, others: Sequence[Seen], log: PredictionCount, *, most: int) -> list[Goal]:
    """Return every goal.

    Parameters
    ----------
    ours : Seen
    others : sequence of Seen
        Peers and floors.
    log : PredictionCount
    most : int
        The greatest number of connections of the plan.
    """
    by_name = {seen.server.name: seen for seen in others}
    peers = [seen for seen in others if seen.server.kind == "peer"]
    goals = [
        at_least(f"requests/s at {AT} connections over those of {name} at least {bound:g}", found, bound)
        for name, bound in _RATIOS
        if name in by_name
        for found in [_ratio(ours, by_name[name], AT, "requests_s")]
    ]
    for peer in peers:
        speeds = [_ratio(ours, peer, count, "requests_s") for count in ours.loads]
        tails = [_ratio(ours, peer, count, "p99_ms") for count in ours.loads]
        name = f"of {peer.server.name}, at every number of connections,"
        goals.append(at_least(f"requests/s over those {name} at least 1", _least(speeds), 1.0))
        goals.append(at_most(f"p99 over that {name} at most 1", _most(tails), 1.0))
    errors = ours.errors(most)
    goals.append(at_most(f"errors at {most} connections at most 0", errors, 0))
    worst = max(ours.cold_starts_s, default=None)
    goals.append(at_most("worst cold start to the first right answer at most 3 s", worst, COLD_START_SECONDS))
    goals.append(at_most("acknowledged answers that are not in the log at most 0", log.missing, 0))
    goals.append(at_most("rows of the log that nobody asked for at most 0", log.surplus, 0))
    return goals


def at_least(text: str, value: float | None, bound: float) -> Goal:
    """Return a goal; what was not measured is not met."""
    return {"goal": text, "value": value, "bound": bound, "met": value is not None and value >= bound}


def at_most(text: str, value: float | None, bound: float) -> Goal:
    """Return a goal; what was not measured is not met."""
    return {"goal": text, "value": value, "bound": bound, "met": value is not None and value <= bound}


def _ratio(ours: Seen, other: Seen, connections: int, name: str) -> float | None:
    mine, theirs = ours.middle(connections, name), other.middle(connections, name)
    return mine / theirs if mine is not None and theirs else None


def _least(found: Sequence[float | None]) -> float | None:
    known = _known(found)
    return min(known) if known else None


def _most(found: Sequence[float | None]) -> float | None:
    known = _known(found)
    return max(known) if known else None


def _known(found: Sequence[float | None]) -> list[float]:
    """Return the numbers, or none of them where one is unknown."""
    known = [value for value in found if value is not None]
    return known if len(known) == len(found) else []

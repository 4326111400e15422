"""One server through all its connections, once or several times; the middle of what was seen."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.serve.load import Load, press
from benchmarks.serve.material import Material
from benchmarks.serve.running import Running, started
from benchmarks.serve.servers import Server
from estate.core.errors import StackError

RACE_CONNECTIONS = 64
CHECKED_ROWS = 200


@dataclass(frozen=True)
class Plan:
    """How long and how much.

    Parameters
    ----------
    connections : tuple of int
    seconds, warm_up_seconds : float
    rounds, workers : int
    """

    connections: tuple[int, ...]
    seconds: float
    warm_up_seconds: float
    rounds: int
    workers: int


@dataclass
class Seen:
    """What was seen of one server.

    Parameters
    ----------
    server : Server
    choice : str
        Its configuration; None where it can't be measured at all.
    loads : mapping of int to list of Load
        By connections, one a round.
    cold_starts_s : list of float
    difference : float
        Of its scores to the right ones, at most.
    problem : str
        Why it was not measured.
    refused : int
        Requests that were refused after the first right answer, while the server was still starting.
    """

    server: Server
    choice: str | None = ""
    loads: dict[int, list[Load]] = field(default_factory=lambda: defaultdict(list))
    cold_starts_s: list[float] = field(default_factory=list)
    difference: float = 0.0
    problem: str = ""
    refused: int = 0

    def middle(self, connections: int, name: str) -> float | None:
        """Return the median of a number over the rounds; None where it was not measured."""
        found = [float(getattr(load, name)) for load in self.loads.get(connections, [])]
        return median(found) if found else None

    def errors(self, connections: int) -> int | None:
        """Return the errors of all rounds; None where it was not measured."""
        loads = self.loads.get(connections, [])
        return sum(load.errors for load in loads) if loads else None

    def rows(self) -> Iterable[dict[str, object]]:
        """Yield one row for each number of connections; what is true of all of them stands in the first."""
        if not self.loads:
            yield {"server": self.server.name, "configuration": self.problem or "not measured"}
            return
        every = [load for loads in self.loads.values() for load in loads]
        whole: Mapping[str, object] = {
            "peak_rss_mb": round(max(load.memory.rss for load in every)),
            "peak_pss_mb": round(max(load.memory.pss for load in every)),
            "cold_start_s": round(median(self.cold_starts_s), 2),
            "configuration": (self.choice or "")
            + (f"; in another round: {self.problem}" if self.problem else "")
            + (f"; {self.refused} refused after the first right answer" if self.refused else ""),
        }
        for number, connections in enumerate(self.loads):
            figures = {name: self.middle(connections, name) for name in ("p50_ms", "p95_ms", "p99_ms")}
            yield {
                "server": self.server.name,
                "connections": connections,
                "requests_s": round(self.middle(connections, "requests_s") or 0.0),
                **figures,
                "errors": self.errors(connections),
                "server_cpu_ms": self.middle(connections, "server_ms"),
                "generator_cores": round(self.middle(connections, "generator") or 0.0, 2),
                **(whole if number == 0 else {}),
            }


def write_bodies(server: Server, material: Material) -> Path:
    """Write what is posted to a server, one request a line."""
    path = material.folder / f"{server.name}.bodies".replace(" ", "_")
    path.write_text("".join(json.dumps(server.body(row)) + "\n" for row in material.rows))
    return path


def fastest(server: Server, material: Material, plan: Plan) -> str:
    """Return the configuration with the most answers at 64 connections.

    Raises
    ------
    StackError
        If none of them starts.
    """
    if len(server.choices) == 1:
        return next(iter(server.choices))
    bodies = write_bodies(server, material)
    found: dict[str, float] = {}
    failed: StackError | None = None
    for choice in server.choices:
        try:
            with started(server, choice, material, plan.workers) as running:
                running.settle()
                press(running, bodies, RACE_CONNECTIONS, plan.warm_up_seconds)
                found[choice] = press(running, bodies, RACE_CONNECTIONS, plan.seconds).requests_s
        except StackError as error:
            failed = error
    if failed and not found:
        raise failed
    return max(found, key=lambda choice: found[choice])


def press_all(
    running: Running, seen: Seen, bodies: Path, plan: Plan, *, warm_up: int = RACE_CONNECTIONS
) -> dict[int, Load]:
    """Let a server come to rest, warm it up, then press it with every number of connections in turn."""
    running.settle()
    press(running, bodies, warm_up, plan.warm_up_seconds)
    loads = {count: press(running, bodies, count, plan.seconds) for count in plan.connections}
    for count, load in loads.items():
        seen.loads[count].append(load)
    return loads


def check(running: Running, seen: Seen, material: Material, right: float) -> None:
    """Compare scores with the right ones.

    Raises
    ------
    StackError
        If they are others: then the server does another work, and can't be compared.
    """
    difference = running.difference(material, CHECKED_ROWS)
    seen.refused += running.refused
    seen.difference = max(seen.difference, difference)
    if seen.difference > right:
        raise StackError(
            f"scores of {running.server.name}",
            expected=f"within {right:g}",
            got=f"off by {seen.difference:g}",
        )

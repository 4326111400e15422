"""Ports: the preferred one if it is free, else another one, chosen once and remembered."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from estate.core.errors import StackError
from infra.stack.status import write_private

PORTS_FILE = "ports.json"

# Below the range from which the kernel takes ports for outgoing connections, and nothing that browsers
# refuse to open (5060, 5061, 6000, 6566, 6665-6669, 6697, 10080).
CHOICE = range(20_000, 32_000)
REFUSED_BY_BROWSERS = frozenset({5060, 5061, 6000, 6566, *range(6665, 6670), 6697, 10080})


@dataclass(frozen=True)
class Ports:
    """Chosen ports by part, and sentences on what was not as wished."""

    by_part: Mapping[str, int]
    notes: tuple[str, ...]


def choose_ports(home: Path, host: str, preferred: Mapping[str, int]) -> Ports:
    """Choose a port for each part and remember it in ``<home>/ports.json``.

    A remembered port stays as long as it is free and the preference is the one of then.

    Parameters
    ----------
    home : Path
        Folder of state.
    host : str
        Address to listen on.
    preferred : mapping
        Port by part; 0 for any.
    """
    path = home / PORTS_FILE
    remembered: dict[str, list[int]] = json.loads(path.read_text()) if path.exists() else {}
    chosen: dict[str, int] = {}
    notes: list[str] = []
    for part, wish in preferred.items():
        before, port = remembered.get(part, [wish, wish])
        wanted = port if before == wish else wish
        chosen[part] = _take(host, wanted, set(chosen.values()))
        if wanted and chosen[part] != wanted:
            why = (
                "can't be opened by browsers"
                if wanted in REFUSED_BY_BROWSERS
                else "is taken by another program"
            )
            notes.append(f"Port {wanted} {why}: {part} listens on {chosen[part]}, and will the next time.")
    kept = {**remembered, **{part: [preferred[part], port] for part, port in chosen.items()}}
    write_private(path, json.dumps(kept))
    return Ports(chosen, tuple(notes))


def is_free(host: str, port: int) -> bool:
    """Return whether a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # As servers do: connections of a former server that are only waiting to be forgotten don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _take(host: str, wanted: int, taken: set[int]) -> int:
    if wanted and wanted not in taken | REFUSED_BY_BROWSERS and is_free(host, wanted):
        return wanted
    for _ in range(200):
        port = random.choice(CHOICE)  # noqa: S311 - no secret
        if port not in taken and is_free(host, port):
            return port
    raise StackError(
        f"address {host}",
        expected=f"a free port from {CHOICE.start} to {CHOICE.stop}",
        got="none in 200 tries",
        todo="Is LEADLOOP_HOST an address of this machine?",
    )

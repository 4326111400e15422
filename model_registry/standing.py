"""Where a model stood when somebody decided to act: what they saw, and whether it is still so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Entry

_VERBS = {
    "promoted": "promoted version {to}",
    "rolled_back": "went back to version {to}",
    "started": "started a rollout of version {to}",
    "aborted": "aborted the rollout of version {to}",
    "ended": "ended the rollout of version {to}",
}


@dataclass(frozen=True)
class Standing:
    """What is in production, and what is on its way.

    Parameters
    ----------
    version : str or None
        In production.
    rollout : int or None
        Row of the ledger that started the rollout which is open.
    seq : int
        The model's last row of the ledger then; two standings may be the same all the same.
    """

    version: str | None
    rollout: int | None = None
    seq: int = field(default=0, compare=False)


def standing(history: Sequence[Entry]) -> Standing:
    """Return where a model stands after these decisions, oldest first."""
    version = next((entry.to_version for entry in reversed(history) if entry.accepted), None)
    last = next((entry for entry in reversed(history) if entry.decision != "refused"), None)
    opened = last.seq if last and last.decision == "started" else None
    return Standing(version, opened, history[-1].seq if history else 0)


def present_standing(database: Database, model: str) -> Standing:
    """Return where a model stands now; a command asks when it begins.

    Raises
    ------
    StoreError
        If the database can't be reached.
    """
    with database.begin() as connection:
        return standing(ledger.history(connection, model))


def overtaken(expected: Standing | None, history: Sequence[Entry]) -> str | None:
    """Return the sentence that names who was quicker; None if it is as it was expected."""
    if expected is None or standing(history) == expected:
        return None
    last = next((entry for entry in reversed(history) if entry.decision != "refused"), None)
    if last is None:
        return f"Version {expected.version} is not in production any more. Look again."
    said = _VERBS[last.decision].format(to=last.to_version)
    before = f"version {expected.version}" if expected.version else "no version"
    return (
        f"{last.who} {said} at {last.at:%Y-%m-%d %H:%M:%S} UTC ({last.why}) while this was asked for;"
        f" {before} was in production when it was. Look again, and repeat it if you still want it."
    )


def in_production(history: Sequence[Entry]) -> list[str]:
    """Return the versions that a rollback can step through, the present one last."""
    stack: list[str] = []
    for entry in history:
        match entry.decision:
            case "promoted":
                stack.append(entry.to_version)
            case "rolled_back":
                while stack and stack[-1] != entry.to_version:
                    stack.pop()
                stack = stack or [entry.to_version]
            case "refused" | "started" | "aborted" | "ended":
                pass
    return stack

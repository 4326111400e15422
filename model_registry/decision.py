"""Decide on one request, write it down, carry it out.

The decision is first written to the ledger, then carried out in the registry. A process that dies in between
leaves a decision that the next one finishes; it is never taken back and never made twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from estate.store import ledger, registry_views
from estate.store.database import Database
from estate.store.ledger import Decision, Entry, Order
from estate.store.locks import advisory_lock
from model_registry import pointers
from model_registry.connection import Registry, answering
from model_registry.judge import judge
from model_registry.page import write_decision
from model_registry.pointers import Pointers


@dataclass(frozen=True, kw_only=True)
class Request:
    """Somebody wants a version in production."""

    model: str
    version: str
    who: str
    why: str
    decision: Decision = "promoted"


def decide(
    registry: Registry, database: Database, request: Request, *, seen: Pointers | None = None
) -> Entry:
    """Judge a request and write the decision to the ledger, with what was seen of the registry.

    The caller holds the model's lock. ``seen`` is noted with the decision, so that a move that was decided on
    is not taken for a new one after a crash.
    """
    judgement = judge(registry, database, request.model, request.version)
    order = Order(
        model=request.model,
        decision="refused" if judgement.refusals else request.decision,
        to_version=request.version,
        who=request.who,
        why=judgement.why or request.why,
        evidence_digest=judgement.evidence_digest,
    )
    with database.begin() as connection:
        entry = ledger.append(connection, order)
        if seen is not None:
            registry_views.write(connection, request.model, alias=seen.alias, stage=seen.stage)
    return entry


def settle(registry: Registry, database: Database, model: str, seen: Pointers) -> None:
    """Make the registry show what the ledger says, and remember what it shows.

    What a person has moved again since ``seen`` is left alone: it is the next request. Safe to repeat.
    """
    with database.begin() as connection:
        history = ledger.history(connection, model)
    last = {entry.to_version: entry for entry in history}
    target = next((entry.to_version for entry in reversed(history) if entry.accepted), None)
    involved = dict.fromkeys([seen.alias, *seen.staged, target])
    for version in involved:
        if version in last:
            write_decision(registry, last[version])
    left = pointers.read(registry, model)
    if left.alias == seen.alias != target:
        pointers.move_alias(registry, model, target)
        left = replace(left, alias=target)
    if left.stage == seen.stage != target:
        refused = {version for version, entry in last.items() if not entry.accepted}
        pointers.move_stage(registry, model, target, seen=seen, refused=refused)
        left = replace(left, staged=(target,) if target else ())
    alias = target if left.alias == target else seen.alias
    stage = target if left.stage == target else seen.stage
    with database.begin() as connection:
        registry_views.write(connection, model, alias=alias, stage=stage)


def lock_name(model: str) -> str:
    """Return the name of the lock under which a model's production version is moved."""
    return f"registry {model}"


@contextmanager
def model_locked(registry: Registry, database: Database, model: str) -> Iterator[None]:
    """Hold the model's lock; errors of MLflow inside come out as :class:`RegistryError`."""
    with advisory_lock(database, lock_name(model)), answering(registry, f"promotion of `{model}`"):
        yield

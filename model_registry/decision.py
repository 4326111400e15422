"""Decide on one request and write it down.

The decision is first written to the ledger, then carried out in the registry. A process that dies in between
leaves a decision that the next one finishes; it is never taken back and never made twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from estate.core.rollout import AT_ONCE, Rollout, RolloutKind
from estate.store import evidence as evidence_store
from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Decision, Entry, Order
from estate.store.locks import advisory_lock
from model_registry.connection import Registry, answering
from model_registry.judge import judge
from model_registry.pointers import Pointers
from model_registry.settle import remember
from model_registry.standing import Standing, overtaken, standing
from model_registry.terms import Terms, objection, terms_or_reason


@dataclass(frozen=True, kw_only=True)
class Request:
    """Somebody wants a version in production, or on its way there.

    Parameters
    ----------
    model, version, who, why : str
    rollout : Rollout, optional
        How; as the model's description says if not given.
    expected : Standing, optional
        What they saw when they asked: if it is otherwise when this is written down, it is refused.
    """

    model: str
    version: str
    who: str
    why: str
    rollout: Rollout | None = None
    expected: Standing | None = None


def decide(
    registry: Registry, database: Database, request: Request, *, seen: Pointers | None = None
) -> Entry:
    """Judge a request and write the decision to the ledger, with what was seen of the registry.

    The caller holds the model's lock. ``seen`` is noted with the decision, so that a move that was decided on
    is not taken for a new one after a crash.
    """
    terms = terms_or_reason(registry.terms, request.model)
    judgement = judge(registry, database, request.model, request.version)
    refusals = judgement.refusals or _unapproved(database, request, terms)
    with database.begin() as connection:
        ledger.hold(connection)  # a rollback may have come in between: it waits for nobody
        history = ledger.history(connection, request.model)
        rollout = way(request, terms if isinstance(terms, Terms) else Terms(), history)
        late = overtaken(request.expected, history) or in_the_way(request, rollout, history)
        refusals = (late,) if late else refusals
        at_once = rollout.kind is RolloutKind.ALL_AT_ONCE
        decision: Decision = "refused" if refusals else "promoted" if at_once else "started"
        order = Order(
            model=request.model,
            decision=decision,
            to_version=request.version,
            who=request.who,
            why=" ".join(refusals) or request.why,
            evidence_digest=judgement.evidence_digest,
            rollout=rollout.to_json() if decision == "started" else None,
        )
        entry = ledger.append(connection, order)
        if seen is not None:
            remember(connection, request.model, seen, seq=entry.seq)
    return entry


def way(request: Request, terms: Terms, history: Sequence[Entry]) -> Rollout:
    """Return how the version would go into production.

    Where the person does not say, the model's description does; but all at once if there is nothing to
    compare with, if the version was in production before, if it is on its way already (that is cut short), or
    if its shadow has seen enough.
    """
    if request.rollout is not None:
        return request.rollout
    stands, version = standing(history), request.version
    compared = terms.rollout.kind in (RolloutKind.CANARY, RolloutKind.SHADOW)
    last = next((entry for entry in reversed(history) if entry.decision != "refused"), None)
    on_its_way = last is not None and last.to_version == version and last.decision in ("started", "ended")
    served = any(entry.accepted and entry.to_version == version for entry in history)
    if on_its_way or served or (compared and stands.version is None):
        return AT_ONCE
    return terms.rollout


def in_the_way(request: Request, rollout: Rollout, history: Sequence[Entry]) -> str | None:
    """Return why the version can't take this way now; None if it can."""
    stands = standing(history)
    opened = next((entry for entry in history if entry.seq == stands.rollout), None)
    if opened is not None and opened.to_version != request.version:
        return (
            f"A rollout of version {opened.to_version} is open since {opened.at:%Y-%m-%d %H:%M:%S} UTC,"
            f" by {opened.who}: wait for its end, or end it with"
            f' `leadloop rollout {request.model} --abort --reason "…"`.'
        )
    if rollout.kind in (RolloutKind.CANARY, RolloutKind.SHADOW):
        if stands.version is None:
            return (
                f"Nothing is in production yet, so a {rollout.kind.value} has nothing to be compared with."
                " Promote it all at once, or blue-green."
            )
        if stands.version == request.version:
            return f"Version {request.version} is in production already."
    return None


def lock_name(model: str) -> str:
    """Return the name of the lock under which a model's production version is moved."""
    return f"registry {model}"


@contextmanager
def model_locked(registry: Registry, database: Database, model: str) -> Iterator[None]:
    """Hold the model's lock; errors of MLflow inside come out as :class:`RegistryError`."""
    with advisory_lock(database, lock_name(model)), answering(registry, f"promotion of `{model}`"):
        yield


def _unapproved(database: Database, request: Request, terms: Terms | str) -> tuple[str, ...]:
    if isinstance(terms, str):
        return (terms,)
    with database.begin() as connection:
        found = evidence_store.load(connection, request.model, request.version)
    trained_by = found.trained_by if found else "unknown"
    target = (request.model, request.version)
    reason = objection(terms, who=request.who, trained_by=trained_by, target=target)
    return (reason,) if reason else ()

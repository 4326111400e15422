"""What would be said if somebody asked for a version now; nothing is written."""

from __future__ import annotations

from estate.store import evidence, ledger
from estate.store.database import Database
from model_registry.connection import Registry, answering
from model_registry.decision import Request, in_the_way, way
from model_registry.judge import judge
from model_registry.terms import objection, terms_or_reason


def objections(registry: Registry, database: Database, request: Request) -> tuple[str, ...]:
    """Return every sentence that speaks against a request; none: it would be accepted.

    Raises
    ------
    RegistryError, StoreError
        If there is no such version, or either can't be asked.
    """
    model, version = request.model, request.version
    with answering(registry, f"version {version} of `{model}`"):
        registry.client.get_model_version(model, version)
        refusals = judge(registry, database, model, version).refusals
    if refusals:
        return refusals
    terms = terms_or_reason(registry.terms, model)
    if isinstance(terms, str):
        return (terms,)
    with database.begin() as connection:
        history = ledger.history(connection, model)
        proof = evidence.load(connection, model, version)
    trained_by = proof.trained_by if proof else "unknown"
    found = (
        objection(terms, who=request.who, trained_by=trained_by, target=(model, version)),
        in_the_way(request, way(request, terms, history), history),
    )
    return tuple(sentence for sentence in found if sentence)

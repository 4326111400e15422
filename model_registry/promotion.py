"""Move a version into production, or back, from the command line or a policy.

The same way as a move in the MLflow UI: judged by the evidence, written to the ledger, then carried out.
"""

from __future__ import annotations

from estate.core.errors import PromotionRefused, RegistryError
from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Entry
from model_registry import pointers
from model_registry.connection import Registry
from model_registry.decision import Request, decide, model_locked, settle
from model_registry.page import write_decision
from model_registry.reconcile import catch_up


def promote(  # noqa: PLR0913 - who and why are never left out
    registry: Registry, database: Database, model: str, version: str, *, who: str, why: str
) -> Entry:
    """Put a version into production, if its evidence allows.

    Returns
    -------
    Entry
        The new row of the ledger; the present one, with nothing written, if the version is there already.

    Raises
    ------
    PromotionRefused
        With the reason, which then also stands on the version's page and in the ledger.
    RegistryError
        If there is no such version, or the registry can't be reached.
    """
    request = Request(model=model, version=str(version), who=who, why=why)
    with model_locked(registry, database, model):
        return _carry(registry, database, request)


def rollback(registry: Registry, database: Database, model: str, *, who: str, why: str) -> Entry:
    """Put the version back that was in production before the present one.

    Versions that were rolled back from are skipped, so that a second rollback goes one further.

    Raises
    ------
    RegistryError
        If there is none.
    PromotionRefused
        If that version's artifacts or evidence were changed since.
    """
    with model_locked(registry, database, model):
        catch_up(registry, database, model)
        with database.begin() as connection:
            stack = in_production(ledger.history(connection, model))
        if len(stack) < 2:
            raise RegistryError(
                f"rollback of `{model}`",
                expected="a version that was in production before",
                got=f"only version {stack[-1]}" if stack else "no version in production yet",
                todo=f"See `leadloop history {model}`.",
            )
        request = Request(model=model, version=stack[-2], who=who, why=why, decision="rolled_back")
        return _carry(registry, database, request)


def in_production(history: list[Entry]) -> list[str]:
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
            case "refused":
                pass
    return stack


def _carry(registry: Registry, database: Database, request: Request) -> Entry:
    model, version = request.model, request.version
    if not pointers.exists(registry, model, version):
        raise RegistryError(
            f"version {version} of `{model}`",
            expected="a version in the registry",
            got="none of that number",
            todo="See `leadloop models`.",
        )
    catch_up(registry, database, model)  # a move in the UI that nobody has decided on yet came first
    with database.begin() as connection:
        present = ledger.current(connection, model)
    if present and present.to_version == version:
        return present
    seen = pointers.read(registry, model)
    entry = decide(registry, database, request)
    if not entry.accepted:
        write_decision(registry, entry)
        raise PromotionRefused(
            f"`{model}` version {version} was not promoted. {entry.why}",
            todo=f"See `leadloop explain {model} {version}`.",
        )
    settle(registry, database, model, seen)
    return entry

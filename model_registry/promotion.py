"""Move a version into production, from the command line or a policy.

The same way as a move in the MLflow UI: judged by the evidence, written to the ledger, then carried out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from estate.core.errors import PromotionRefused, RegistryError
from estate.core.rollout import Rollout, RolloutKind
from estate.store.database import Database
from estate.store.ledger import Entry
from estate.store.own_models import own_models
from model_registry import pointers
from model_registry.connection import Registry
from model_registry.decision import Request, decide, model_locked
from model_registry.reconcile import catch_up
from model_registry.settle import read_record, settle
from model_registry.standing import Standing, standing


def promote(  # noqa: PLR0913 - who and why are never left out
    registry: Registry,
    database: Database,
    model: str,
    version: str,
    *,
    who: str,
    why: str,
    rollout: Rollout | None = None,
    expected: Standing | None = None,
) -> Entry:
    """Put a version into production, or on its way there, if its evidence allows.

    Parameters
    ----------
    rollout : Rollout, optional
        In which steps; as the model's description says if not given.
    expected : Standing, optional
        What the person saw when they asked. If somebody else has decided since, this one is refused.

    Returns
    -------
    Entry
        The new row of the ledger: promoted, or started. The earlier one, with nothing written, if the version
        is in production, or on its way in these steps, already.

    Raises
    ------
    PromotionRefused
        With the reason, which then also stands on the version's page and in the ledger.
    RegistryError
        If there is no such version, the model is not one of ours, or the registry can't be reached.
    """
    _require_ours(database, model)
    with model_locked(registry, database, model):
        if not pointers.exists(registry, model, str(version)):
            raise RegistryError(
                f"version {version} of `{model}`",
                expected="a version in the registry",
                got="none of that number",
                todo="See `leadloop models`.",
            )
        catch_up(registry, database, model)  # a move in the UI that nobody has decided on yet came first
        request = Request(
            model=model, version=str(version), who=who, why=why, rollout=rollout, expected=expected
        )
        return _carry(registry, database, request)


def _require_ours(database: Database, model: str) -> None:
    with database.begin() as connection:
        known = model in own_models(connection)
    if not known:
        raise RegistryError(
            f"model `{model}`",
            expected="one that Leadloop has trained",
            got="neither evidence nor a decision: it belongs to somebody else, or has no version yet",
            todo=f"Train it with `leadloop retrain {model}`.",
        )


def _carry(registry: Registry, database: Database, request: Request) -> Entry:
    model, version = request.model, request.version
    record = read_record(database, model)
    if (already := _already(record.history, record.opened, request)) is not None:
        return already
    if request.expected is None:
        request = replace(request, expected=standing(record.history))
    seen = pointers.look(registry, model).pointers
    entry = decide(registry, database, request)
    settle(registry, database, model, seen)
    if entry.decision == "refused":
        raise PromotionRefused(
            f"`{model}` version {version} was not promoted. {entry.why}",
            todo=f"See `leadloop explain {model} {version}`.",
        )
    return entry


def _already(history: Sequence[Entry], opened: Entry | None, request: Request) -> Entry | None:
    """Return the earlier decision that did what is asked for; None if there is none."""
    wish = request.rollout
    if opened is not None and opened.to_version == request.version:
        return opened if wish and opened.rollout == wish.to_json() else None
    if wish is not None and wish.kind in (RolloutKind.CANARY, RolloutKind.SHADOW):
        return None
    put = next((entry for entry in reversed(history) if entry.accepted), None)
    return put if put is not None and put.to_version == request.version else None

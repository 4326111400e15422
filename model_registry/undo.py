"""Take a decision back: roll back, or abort a rollout. Postgres alone is asked.

It takes effect with its ledger row: serving follows the ledger, and the reconciler moves alias and stage at
its next look. MLflow may be down, slow or busy with another promotion; nothing here waits for it, nor for the
model's lock, which may be held for as long as a version is fetched and judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from estate.core.errors import PromotionRefused, RegistryError
from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Entry, Order
from model_registry.connection import Registry
from model_registry.proof import unproven
from model_registry.standing import Standing, in_production, overtaken, standing

if TYPE_CHECKING:
    from sqlalchemy import Connection


def rollback(  # noqa: PLR0913 - who and why are never left out
    registry: Registry,
    database: Database,
    model: str,
    *,
    who: str,
    why: str,
    expected: Standing | None = None,
) -> Entry:
    """Take the last step back: abort the rollout that is open, else the version before the present one.

    Versions that were rolled back from are skipped, so that a second rollback goes one further. The version
    must have been in production, and its evidence must be as it was then, signed by a trusted key; two people
    are not asked for, since it was approved before.

    Parameters
    ----------
    expected : Standing, optional
        What the person saw: if it is otherwise by now, the rollback is refused rather than going too far.

    Returns
    -------
    Entry
        ``rolled_back``, or ``aborted`` where a rollout was open: the version in production then stays.

    Raises
    ------
    RegistryError
        If there is no version to go back to.
    PromotionRefused
        If somebody else was quicker, or that version's evidence or signature is no longer good.
    StoreError
        If the database can't be reached.
    """
    with database.begin() as connection:
        ledger.hold(connection)
        history = ledger.history(connection, model)
        opened = standing(history).rollout
        late = overtaken(expected, history)
        if opened is not None and late is None:
            entry = abort(connection, model, opened, who=who, why=why)
            assert entry is not None, "nobody else writes while the ledger is held"
            return entry
        put = _before(model, history)
        reason = late or unproven(registry, connection, put)
        order = Order(
            model=model,
            decision="refused" if reason else "rolled_back",
            to_version=put.to_version,
            who=who,
            why=reason or why,
            evidence_digest=put.evidence_digest,
        )
        entry = ledger.append(connection, order)
    if not entry.accepted:
        raise PromotionRefused(
            f"`{model}` was not rolled back to version {entry.to_version}. {entry.why}",
            todo=f"See `leadloop history {model}`.",
        )
    return entry


def abort_rollout(database: Database, model: str, *, who: str, why: str) -> Entry:
    """End the open rollout of a model; what is in production stays.

    Raises
    ------
    RegistryError
        If none is open.
    """
    with database.begin() as connection:
        opened = ledger.open_rollout(connection, model)
        entry = abort(connection, model, opened.seq, who=who, why=why) if opened else None
    if entry is None:
        raise RegistryError(
            f"rollout of `{model}`",
            expected="one that is open",
            got="none",
            todo=f"See `leadloop history {model}`.",
        )
    return entry


def abort(connection: Connection, model: str, rollout: int, *, who: str, why: str) -> Entry | None:
    """Write down that a rollout is aborted; None if it has ended already."""
    ledger.hold(connection)
    opened = ledger.open_rollout(connection, model)
    if opened is None or opened.seq != rollout:
        return None
    order = Order(
        model=model,
        decision="aborted",
        to_version=opened.to_version,
        who=who,
        why=why,
        evidence_digest=opened.evidence_digest,
    )
    return ledger.append(connection, order)


def _before(model: str, history: Sequence[Entry]) -> Entry:
    """Return the decision that had put the version into production which was there before the present one."""
    stack = in_production(history)
    if len(stack) < 2:
        raise RegistryError(
            f"rollback of `{model}`",
            expected="a version that was in production before",
            got=f"only version {stack[-1]}" if stack else "no version in production yet",
            todo=f"See `leadloop history {model}`.",
        )
    return next(entry for entry in reversed(history) if entry.accepted and entry.to_version == stack[-2])

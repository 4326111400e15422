"""Make the registry show what the ledger says.

Aliases and stages that a person moves meanwhile are left alone: they are the next request. A version that
was deleted in MLflow can't be shown; what was there in its place is taken away, and the ledger stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from estate.core.errors import StoreError
from estate.core.evidence import Evidence
from estate.core.rollout import Rollout, RolloutKind
from estate.store import evidence as evidence_store
from estate.store import ledger, registry_views
from estate.store.database import Database
from estate.store.ledger import Entry
from estate.store.registry_views import View
from model_registry import pointers
from model_registry.connection import Registry
from model_registry.page import wipe_decision, write_decision
from model_registry.pointers import Pointers, Shown
from model_registry.standing import standing
from model_registry.tags import CANARY_ALIAS, PRODUCTION_ALIAS, SHADOW_ALIAS, TRAINING_KEY

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from sqlalchemy import Connection


@dataclass(frozen=True)
class Record:
    """What the database knows of one model.

    Parameters
    ----------
    history : sequence of Entry
        Oldest first.
    view : View or None
        What the registry showed when it was last settled.
    evidence : Evidence or None
        Of the version in production.
    """

    history: Sequence[Entry]
    view: View | None
    evidence: Evidence | None

    @property
    def version(self) -> str | None:
        """What the ledger has in production."""
        return standing(self.history).version

    @property
    def seq(self) -> int | None:
        """The last row of the ledger."""
        return self.history[-1].seq if self.history else None

    @property
    def opened(self) -> Entry | None:
        """The row that started the rollout which is open."""
        seq = standing(self.history).rollout
        return next((entry for entry in self.history if entry.seq == seq), None)


def read_record(database: Database, model: str) -> Record:
    """Read the ledger and what was last seen."""
    with database.begin() as connection:
        history = ledger.history(connection, model)
        version = standing(history).version
        found = _evidence(connection, model, version) if version else None
        return Record(history, registry_views.read(connection, model), found)


def remember(connection: Connection, model: str, shown: Pointers, *, seq: int | None) -> None:
    """Note what the registry shows, and up to which row the ledger was carried out."""
    registry_views.write(
        connection,
        model,
        alias=shown.alias,
        stage=shown.stage,
        canary=shown.canary,
        shadow=shown.shadow,
        seq=seq,
    )


def wanted(record: Record, shown: Shown) -> Pointers:
    """Return what the registry should show: the ledger, but for versions that it no longer has."""
    version = record.version if production_is_there(record, shown) else None
    canary = shadow = None
    opened = record.opened
    if opened and opened.rollout and opened.to_version in shown.versions:
        kind = Rollout.from_json(opened.rollout).kind
        canary = opened.to_version if kind is RolloutKind.CANARY else None
        shadow = opened.to_version if kind is RolloutKind.SHADOW else None
    return Pointers(version, (version,) if version else (), canary, shadow)


def production_is_there(record: Record, shown: Shown) -> bool:
    """Return whether the registry still has the version that the ledger has in production.

    A model that was deleted and registered anew counts its versions from 1 again: the same number is then
    another version, younger than the decision and of another training.
    """
    found = shown.versions.get(record.version or "")
    if found is None:
        return False
    put = next(entry for entry in reversed(record.history) if entry.accepted)
    younger = (found.creation_timestamp or 0) > put.at.timestamp() * 1000
    key = record.evidence.training_key if record.evidence else None
    return not (younger and key is not None and found.tags.get(TRAINING_KEY) != key)


def at_rest(record: Record, shown: Shown) -> bool:
    """Return whether the registry shows what it should, and did so when it was last settled."""
    target, view = wanted(record, shown), record.view
    if _plain(shown.pointers) != _plain(target):
        return False
    if view is None:
        return record.seq is None and target == Pointers(None)
    settled = (view.alias_version, view.stage_version, view.canary_version, view.shadow_version)
    return settled == _plain(target) and view.settled_seq == record.seq


def settle(registry: Registry, database: Database, model: str, seen: Pointers) -> None:
    """Move what still is as it was ``seen``, and remember what is shown. Safe to repeat."""
    record, shown = read_record(database, model), pointers.look(registry, model)
    target = wanted(record, shown)
    _write_pages(registry, record, shown, seen)
    left = pointers.look(registry, model).pointers
    for alias, have, saw, want in (
        (PRODUCTION_ALIAS, left.alias, seen.alias, target.alias),
        (CANARY_ALIAS, left.canary, seen.canary, target.canary),
        (SHADOW_ALIAS, left.shadow, seen.shadow, target.shadow),
    ):
        if have == saw != want:
            pointers.move_alias(registry, model, want, alias=alias)
    if left.stage == seen.stage != target.stage:
        refused = {version for version, entry in _last(record).items() if not entry.accepted}
        pointers.move_stage(registry, model, target.alias, seen=seen, refused=refused)
    with database.begin() as connection:
        remember(connection, model, _settled(left, seen, target), seq=record.seq)


def restore_pages(registry: Registry, record: Record, shown: Shown) -> None:
    """Write every decision anew where a person has edited it, and wipe what only looks like one."""
    last = _last(record)
    for version, page in shown.versions.items():
        _write_page(registry, last.get(version), page)


def _evidence(connection: Connection, model: str, version: str) -> Evidence | None:
    try:
        return evidence_store.load(connection, model, version)
    except StoreError as error:
        if not error.what.startswith("evidence"):
            raise
        return None  # changed in the database: nobody promotes it again, what is in production stays


def _write_pages(registry: Registry, record: Record, shown: Shown, seen: Pointers) -> None:
    since = (record.view.settled_seq if record.view else None) or 0
    last = _last(record)
    new = [entry.to_version for entry in record.history if entry.seq > since]
    for version in dict.fromkeys([*seen.versions, *new[-20:], *wanted(record, shown).versions]):
        if version in last and version in shown.versions:
            write_decision(registry, last[version], shown.versions[version])


def _write_page(registry: Registry, entry: Entry | None, page: ModelVersion) -> None:
    if entry is None:
        wipe_decision(registry, page)
    else:
        write_decision(registry, entry, page)


def _last(record: Record) -> Mapping[str, Entry]:
    return {entry.to_version: entry for entry in record.history}


def _settled(left: Pointers, seen: Pointers, target: Pointers) -> Pointers:
    """What was moved now shows the target; what a person has moved since is remembered as it was before."""

    def at(have: str | None, saw: str | None, want: str | None) -> str | None:
        return want if have in (saw, want) else saw

    staged = target.staged if left.stage in (seen.stage, target.stage) else seen.staged
    return replace(
        seen,
        alias=at(left.alias, seen.alias, target.alias),
        staged=staged,
        canary=at(left.canary, seen.canary, target.canary),
        shadow=at(left.shadow, seen.shadow, target.shadow),
    )


def _plain(shown: Pointers) -> tuple[str | None, ...]:
    return (shown.alias, shown.stage, shown.canary, shown.shadow)

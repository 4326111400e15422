"""Find what people have moved in the MLflow UI; accept it or put it back.

Three things are compared: what the registry shows, what it showed when it was last settled, and the ledger.
Shown and not settled: a person's request. Settled and not in the ledger: our own unfinished work.

What people may do, and what becomes of it:

=====================================  =================================================================
alias or stage moved to a version      judged, then a ledger row: promoted, started or refused (put back)
moved twice between two looks          the last move counts; the first was never seen
moved while a rollback was made        refused: who moved it did not know of the rollback
alias ``canary``, ``shadow`` put on    judged, then a rollout of that kind begins, or it is taken away
that alias taken away                  the rollout is aborted, by unknown
``production`` deleted, or archived    put back, without a ledger row
production version deleted             the ledger stands, serving keeps its copy; said once in the log
model renamed                          renamed back if the old name is free, else said once in the log
model deleted                          as a deleted version; one of the same name begins a new life
decision tags or decision text edited  written anew at the next full look, within 10 s
=====================================  =================================================================

A model without evidence and without a decision belongs to somebody else and is left alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from estate.core.errors import RegistryError
from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Entry
from estate.store.locks import try_advisory_lock
from estate.store.own_models import own_models
from model_registry import pointers
from model_registry.asked import Withdrawal, asked_for
from model_registry.connection import Registry, answering
from model_registry.decision import Request, decide, lock_name
from model_registry.gone import look_for
from model_registry.identity import UNKNOWN
from model_registry.pointers import Shown, aliases_of
from model_registry.rollout_steps import conclude_rollouts
from model_registry.settle import at_rest, production_is_there, read_record, remember, restore_pages, settle
from model_registry.tags import CANARY_ALIAS
from model_registry.terms import Terms, terms_or_reason
from model_registry.undo import abort

if TYPE_CHECKING:
    from mlflow.entities.model_registry import RegisteredModel

__all__ = ["UNKNOWN", "Memory", "catch_up", "reconcile_once", "registered_models"]
FULL_LOOK_SECONDS = 8.0
"""A model that seems unchanged is looked at in full so often, with its pages; one model a look."""
_AT_ONE_LOOK = 4
"""Moves of one model that are decided before the others have their turn."""
_log = logging.getLogger(__name__)


@dataclass
class Memory:
    """What is kept between looks, so that an unchanged model costs nothing and a trouble is said once.

    Parameters
    ----------
    glances : dict
        By model: when MLflow says that it last changed, its aliases, and the last row of the ledger. MLflow
        counts a moved stage as a change of the model; a moved alias is seen without.
    ours : frozenset
        Models with evidence or a decision.
    seq : int
        The newest row of the ledger when it was last read, and ``opened`` the rollouts that were open then.
    looked : dict
        By model: when it was last looked at in full, in seconds of the monotonic clock.
    refreshed : float
        When ``ours`` was last forgotten.
    searched : set
        Models that were missing and were looked for.
    said : set
        Sentences that were logged.
    """

    glances: dict[str, tuple[object, ...]] = field(default_factory=dict)
    ours: frozenset[str] = frozenset()
    seq: int = -1
    opened: Mapping[str, Entry] = field(default_factory=dict)
    looked: dict[str, float] = field(default_factory=dict)
    refreshed: float = field(default_factory=time.monotonic)
    searched: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)

    def age(self) -> None:
        """Take one model for granted no longer whose full look is too old: one at a time costs no click."""
        moment = time.monotonic()
        if moment - self.refreshed > FULL_LOOK_SECONDS:
            self._refresh()
        oldest = min(self.looked, key=lambda name: self.looked[name], default=None)
        if oldest is not None and moment - self.looked[oldest] > FULL_LOOK_SECONDS:
            self.glances.pop(oldest, None)
            del self.looked[oldest]

    def _refresh(self) -> None:
        self.searched.clear()
        self.ours, self.seq, self.refreshed = frozenset(), -1, time.monotonic()

    def say(self, sentence: str) -> None:
        """Log a warning, once."""
        if sentence not in self.said:
            self.said.add(sentence)
            _log.warning("%s", sentence)


def reconcile_once(registry: Registry, database: Database, *, memory: Memory | None = None) -> list[Entry]:
    """Look at every registered model of ours once and return the decisions that were made.

    Parameters
    ----------
    memory : Memory, optional
        Kept between calls; without it everything is looked at in full.

    Raises
    ------
    RegistryError
        If the registry can't be reached, or one model could not be settled; the others are, before.
    StoreError
        If the database can't be reached.
    """
    memory = Memory() if memory is None else memory
    memory.age()
    made = conclude_rollouts(database, registry, _opened(database, memory))
    with answering(registry, "list of models"):
        shown = registered_models(registry)
    _read_ours(database, memory, {model.name for model in shown})
    failed: list[RegistryError] = []
    for model in shown:
        glance = (model.last_updated_timestamp, *aliases_of(model), memory.seq)
        if model.name not in memory.ours or memory.glances.get(model.name) == glance:
            continue
        try:
            if _reconcile(registry, database, model.name, made=made, memory=memory):
                memory.glances[model.name] = glance
                memory.looked[model.name] = time.monotonic()
        except RegistryError as error:
            failed.append(error)
    for name in sorted(memory.ours - {model.name for model in shown} - memory.searched):
        memory.searched.add(name)
        memory.say(look_for(registry, database, name, ours=memory.ours))
    if failed:
        raise failed[0]
    return made


def _opened(database: Database, memory: Memory) -> Mapping[str, Entry]:
    with database.begin() as connection:
        if (seq := ledger.last_seq(connection)) != memory.seq:
            memory.opened = ledger.open_rollouts(connection)
            memory.seq = seq
    return memory.opened


def _read_ours(database: Database, memory: Memory, shown: set[str]) -> None:
    """Read anew which models are ours, if one is shown that may have become so."""
    with database.begin() as connection:
        memory.seq = ledger.last_seq(connection)
        if not memory.ours or shown - memory.ours:
            memory.ours = own_models(connection)


def catch_up(registry: Registry, database: Database, model: str) -> list[Entry]:
    """Decide on what a person has moved of one model, and finish what is unfinished.

    The caller holds the model's lock. Returns the decisions, if there were any to make.
    """
    made: list[Entry] = []
    for _ in range(_AT_ONE_LOOK):
        record, shown = read_record(database, model), pointers.look(registry, model)
        if at_rest(record, shown):
            break
        terms = terms_or_reason(registry.terms, model)
        asked = asked_for(model, terms if isinstance(terms, Terms) else Terms(), record, shown)
        entry = _answer(registry, database, model, asked=asked, shown=shown)
        if entry is None:
            _log.info("model=%s version=%s decision=none, alias and stage put back", model, record.version)
            break
        _log.info(
            "model=%s version=%s decision=%s why=%s", model, entry.to_version, entry.decision, entry.why
        )
        made.append(entry)
    return made


def _answer(
    registry: Registry, database: Database, model: str, *, asked: Request | Withdrawal | None, shown: Shown
) -> Entry | None:
    seen = shown.pointers
    entry: Entry | None = None
    match asked:
        case Request():
            entry = decide(registry, database, asked, seen=seen)
        case Withdrawal():
            # Where the alias is now is the next request: as if it had been taken away before.
            canary = asked.alias == CANARY_ALIAS
            seen = replace(seen, canary=None) if canary else replace(seen, shadow=None)
            with database.begin() as connection:
                entry = abort(connection, model, asked.rollout, who=asked.who, why=asked.why)
                if entry is not None:
                    remember(connection, model, seen, seq=entry.seq)
        case None:
            pass
    settle(registry, database, model, seen)
    return entry


def _reconcile(
    registry: Registry, database: Database, model: str, *, made: list[Entry], memory: Memory
) -> bool:
    """Settle one model and return whether nothing was to be done."""
    with (
        try_advisory_lock(database, lock_name(model)) as lock,
        answering(registry, f"reconciliation of `{model}`"),
    ):
        if lock is None:  # being promoted this moment: look again at the next poll
            return False
        if decided := catch_up(registry, database, model):
            made += decided
            return False
        record, shown = read_record(database, model), pointers.look(registry, model)
        if record.version and not production_is_there(record, shown):
            memory.say(
                f"model={model} version={record.version} is in production, but was deleted in MLflow:"
                " serving keeps its copy; promote another version, or roll back"
            )
        restore_pages(registry, record, shown)
        return at_rest(record, shown)


def registered_models(registry: Registry) -> list[RegisteredModel]:
    """Return every registered model with its aliases."""
    found: list[RegisteredModel] = []
    token = None
    while True:
        page = registry.client.search_registered_models(max_results=1000, page_token=token)
        found += page
        token = page.token
        if not token:
            return found

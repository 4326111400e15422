"""Find what people have moved in the MLflow UI; accept it or put it back.

Three things are compared: what the registry shows, what it showed when it was last settled, and the ledger.
Shown and not settled: a person's request. Settled and not in the ledger: our own unfinished work.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from estate.core.errors import RegistryError
from estate.store import ledger, registry_views
from estate.store.database import Database
from estate.store.ledger import Entry
from estate.store.locks import try_advisory_lock
from estate.store.own_models import own_models
from estate.store.registry_views import View
from model_registry import pointers
from model_registry.connection import Registry, answering
from model_registry.decision import Request, decide, lock_name, settle
from model_registry.pointers import Pointers

if TYPE_CHECKING:
    from mlflow.entities.model_registry import RegisteredModel

UNKNOWN = "unknown (MLflow UI)"
"""MLflow does not say who moved an alias or a stage."""
_log = logging.getLogger(__name__)


def reconcile_once(
    registry: Registry, database: Database, *, memory: dict[str, int] | None = None
) -> list[Entry]:
    """Look at every registered model of ours once and return the decisions that were made.

    A model without evidence and without a decision belongs to somebody else and is left alone.

    Parameters
    ----------
    memory : dict, optional
        Kept between calls: when each model last changed, so that an unchanged one costs nothing more. MLflow
        counts a moved stage as a change of the model; a moved alias is seen without.

    Raises
    ------
    RegistryError
        If the registry can't be reached, or one model could not be settled; the others are, before.
    StoreError
        If the database can't be reached.
    """
    known = {} if memory is None else memory
    with answering(registry, "list of models"):
        shown = registered_models(registry)
    with database.begin() as connection:
        present, views = ledger.current_all(connection), registry_views.read_all(connection)
        ours = own_models(connection)
    made: list[Entry] = []
    failed: list[RegistryError] = []
    for model in shown:
        if model.name not in ours:
            continue
        version = present[model.name].to_version if model.name in present else None
        if known.get(model.name) == model.last_updated_timestamp and _quiet(
            model, version, views.get(model.name)
        ):
            continue
        try:
            if _reconcile(registry, database, model.name, made):
                known[model.name] = model.last_updated_timestamp
        except RegistryError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return made


def catch_up(registry: Registry, database: Database, model: str) -> Entry | None:
    """Decide on what a person has moved of one model, and finish what is unfinished.

    The caller holds the model's lock. Returns the decision, if there was one to make.
    """
    seen = pointers.read(registry, model)
    with database.begin() as connection:
        present, view = ledger.current(connection, model), registry_views.read(connection, model)
    version = present.to_version if present else None
    if seen.at(version) and _view_at(view, version):
        return None
    request = asked_for(model, seen, view, version)
    entry = decide(registry, database, request, seen=seen) if request else None
    settle(registry, database, model, seen)
    if entry:
        _log.info(
            "model=%s version=%s decision=%s why=%s", model, entry.to_version, entry.decision, entry.why
        )
    else:
        _log.info("model=%s version=%s decision=none, alias and stage put back", model, version)
    return entry


def asked_for(model: str, seen: Pointers, view: View | None, version: str | None) -> Request | None:
    """Return what a person asks for by having moved the alias or, failing that, the stage.

    Parameters
    ----------
    seen : Pointers
        What the registry shows.
    view : View or None
        What it showed when it was last settled.
    version : str or None
        What the ledger says.
    """
    alias_before = view.alias_version if view else None
    if seen.alias not in (None, alias_before, version):
        return Request(
            model=model,
            version=str(seen.alias),
            who=UNKNOWN,
            why=f"The alias `production` was moved to version {seen.alias}.",
        )
    staged_before = (view.stage_version or "").split(",") if view else []
    moved = [staged for staged in seen.staged if staged not in (*staged_before, version)]
    if moved:
        return Request(
            model=model,
            version=moved[-1],
            who=UNKNOWN,
            why=f"Version {moved[-1]} was moved to the stage Production.",
        )
    return None


def _reconcile(registry: Registry, database: Database, model: str, made: list[Entry]) -> bool:
    with (
        try_advisory_lock(database, lock_name(model)) as lock,
        answering(registry, f"reconciliation of `{model}`"),
    ):
        if lock is None:  # being promoted this moment: look again at the next poll
            return False
        if entry := catch_up(registry, database, model):
            made.append(entry)
    return True


def _quiet(shown: RegisteredModel, version: str | None, view: View | None) -> bool:
    return pointers.alias_of(shown) == version and _view_at(view, version)


def _view_at(view: View | None, version: str | None) -> bool:
    if view is None:
        return version is None
    return view.alias_version == version and view.stage_version == version


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

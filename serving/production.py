"""The version in production, for jobs that score many cases without the HTTP layer."""

from __future__ import annotations

from estate.core.predictor import Predictor
from estate.core.settings import Settings
from estate.store.database import Database
from serving.crm import Crm, Orders
from serving.follower import Follower
from serving.last_good import Fetch
from serving.models import ServedModel, answering_of
from serving.wiring import make_loader

__all__ = ["answering_of", "production_model", "production_predictor"]


def production_model(
    settings: Settings, database: Database, model: str, *, fetch: Fetch | None = None
) -> ServedModel:
    """Return what answers for a model: the ledger's version, else the last good one on disk, else rules.

    Parameters
    ----------
    settings : Settings
    database : Database
    model : str
    fetch : callable, optional
        Brings a version's bundle; from the model registry if not given.

    Raises
    ------
    SpecError
        If there is no such model.
    RegistryError
        If it has neither a version that can be loaded nor rules.
    """
    crm = Crm(lambda: database)
    loader = make_loader(settings, crm, fetch=fetch)
    loader.take_up(loader.models.specs.get(model))

    def read_ledger() -> Orders:  # rollouts are for requests: a batch is of one version
        current = crm.read_ledger().current
        return Orders({name: entry for name, entry in current.items() if name == model})

    Follower(loader, read_ledger).look()
    (served,) = loader.models.all()
    answering_of(served)
    return served


def production_predictor(
    settings: Settings, database: Database, model: str, *, fetch: Fetch | None = None
) -> Predictor:
    """Return the predictor of :func:`production_model`; it reads frames of features."""
    return answering_of(production_model(settings, database, model, fetch=fetch)).predictor

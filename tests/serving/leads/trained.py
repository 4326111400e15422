"""A simulated desk in a database, and a version of `lead_conversion` that learned from it, in production."""

from __future__ import annotations

from datetime import timedelta

from estate.core.clock import now
from estate.core.evidence import Evidence
from estate.datasets.world import World, simulate
from estate.store.facts import write_facts
from estate.training.bundling import write_bundle
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.split import split_by_time
from tests.serving.shop import Shop

DAYS = 110


def open_desk(shop: Shop) -> World:
    """Write the facts of a desk whose last day is today."""
    start = (now() - timedelta(days=DAYS)).date()
    world = World(seed=3, leads_per_day=22, start=start, days=DAYS)
    with shop.database.begin() as connection:
        for kind, facts in simulate(world).facts.items():
            write_facts(connection, kind, facts)
    return world


def train(shop: Shop, model: str, version: str = "1") -> Evidence:
    """Train a model of the catalog on what is in the database, and promote it."""
    from estate.catalog import Catalog

    spec = Catalog().get(model)
    parts = split_by_time(spec, extract(spec, shop.database, as_of=now()))
    folder = shop.folder / "registry" / model / version
    write_bundle(fit(spec, parts), parts, folder)
    made = shop.judge(version, model=model)
    shop.keep(version, made, shop.sign(made), model=model)
    shop.promote(version, model=model)
    return made

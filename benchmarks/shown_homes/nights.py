"""A simulated desk whose leads were shown homes for some weeks, by versions that learned before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy
from estate.core.settings import Settings
from estate.datasets.world import World
from estate.features.lead_reader import LeadReader
from estate.services.property_matching.model import SPECS
from estate.services.property_matching.reading import LEAD_PARTS, leads_now, read_homes
from estate.services.property_matching.schema import Ask, HomesNow, LeadNow, Request, Scored
from estate.services.property_matching.service import match_many
from estate.store.database import Database
from estate.store.open_leads import open_lead_ids
from estate.training.bundling import write_bundle
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.split import split_by_time
from serving.answering import Answering, by_bundle
from serving.batch.keeping_matches import keeping

DAY = timedelta(days=1)
WORLD = World(seed=6, leads_per_day=30, days=80)
LEARNED, SHOWN, EVERY = 45, 13, 3
"""Days: when the versions learned, for how long they showed homes from then on, and how often."""
HOMES = 5


class Nights:
    """A desk in a database that holds the world's facts.

    Parameters
    ----------
    database : Database
    folder : Path
        For bundles.
    world : World
    """

    def __init__(self, database: Database, folder: Path, world: World = WORLD) -> None:
        self.database, self.folder, self.world = database, folder, world
        self.settings = Settings(home=folder)
        self.learned, self.end = world.at(LEARNED), world.at(world.days)
        self.answering = {spec.name: self._train(spec) for spec in SPECS}

    def moments(self) -> Iterator[datetime]:
        """Yield the nights on which homes were shown."""
        yield from (self.learned + night * DAY for night in range(0, SHOWN, EVERY))

    def leads(self, moment: datetime) -> tuple[list[LeadNow], HomesNow]:
        """Return every open lead, and what is for sale."""
        with self.database.begin() as connection:
            wanted = open_lead_ids(connection, as_of=moment)
        homes, reader = read_homes(self.database, as_of=moment), LeadReader(lambda: self.database)
        found, histories = reader.histories(wanted, as_of=moment, parts=LEAD_PARTS)
        reader.close()
        return leads_now(found, histories, homes), homes

    def show(self, *, version: str = "1", off: float = 0.0) -> int:
        """Show homes to every open lead, scores moved by ``off``; returns the answers."""
        shown = 0
        for moment in self.moments():
            leads, homes = self.leads(moment)
            matches = match_many(Request(k=HOMES), leads, homes, self.ask(version, off))
            shown += len(list(keeping(self.settings, self.database, matches, as_of=moment)))
        return shown

    def ask(self, version: str = "1", off: float = 0.0) -> Ask:
        """Return what answers for the models."""

        def ask(spec: ModelSpec, features: Frame, lead_id: str) -> Scored:
            del lead_id
            score = self.answering[spec.name].predictor.predict_many(features).score
            return Scored((score + off).clip(0.0, 1.0), AnsweredBy.MODEL, version)

        return ask

    def _train(self, spec: ModelSpec) -> Answering:
        parts = split_by_time(spec, extract(spec, self.database, as_of=self.learned))
        bundle, _ = write_bundle(fit(spec, parts), parts, self.folder / spec.name)
        return by_bundle(spec, bundle, "1", AnsweredBy.MODEL)

"""A simulated desk whose leads were shown homes for some weeks, by versions that learned before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from estate.core.frame import Frame
from estate.core.model_spec import ModelSpec
from estate.core.prediction import AnsweredBy
from estate.core.settings import Settings
from estate.datasets.world import World, simulate_into
from estate.features.lead_reader import LeadReader
from estate.services.property_matching.model import SPECS
from estate.services.property_matching.reading import LEAD_PARTS, leads_now, read_homes
from estate.services.property_matching.schema import Ask, Request, Scored
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
LEARNED, SHOWN, DAYS = 45, 13, 80
"""Days: when the versions learned, for how long they showed homes, how long the world goes on."""


class ShownDesk:
    """The world, and what answers in it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.settings = Settings(home=folder)
        self.world = World(seed=6, leads_per_day=30, days=DAYS)
        simulate_into(database, self.world, home=folder)
        self.learned, self.end = self.world.at(LEARNED), self.world.at(DAYS)
        self.answering = {spec.name: self._train(spec) for spec in SPECS}

    def nights(self) -> Iterable[datetime]:
        """Return every third night on which homes were shown."""
        return [self.learned + night * DAY for night in range(0, SHOWN, 3)]

    def show(self, *, version: str = "1", off: float = 0.0) -> int:
        """Show the five best homes to every open lead; scores are moved by ``off``. Returns the answers."""
        shown = 0
        for moment in self.nights():
            with self.database.begin() as connection:
                leads = open_lead_ids(connection, as_of=moment)
            homes, reader = read_homes(self.database, as_of=moment), LeadReader(lambda: self.database)
            found, histories = reader.histories(leads, as_of=moment, parts=LEAD_PARTS)
            reader.close()
            matches = match_many(
                Request(k=5), leads_now(found, histories, homes), homes, self._ask(version, off)
            )
            shown += len(list(keeping(self.settings, self.database, matches, as_of=moment)))
        return shown

    def _ask(self, version: str, off: float) -> Ask:
        def ask(spec: ModelSpec, features: Frame, lead_id: str) -> Scored:
            score = self.answering[spec.name].predictor.predict_many(features).score
            return Scored((score + off).clip(0.0, 1.0), AnsweredBy.MODEL, version)

        return ask

    def _train(self, spec: ModelSpec) -> Answering:
        parts = split_by_time(spec, extract(spec, self.database, as_of=self.learned))
        bundle, _ = write_bundle(fit(spec, parts), parts, self.folder / spec.name)
        return by_bundle(spec, bundle, "1", AnsweredBy.MODEL)

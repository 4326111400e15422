"""A simulated desk of a year that is over, and the catalog's ``lead_conversion`` in service on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import psycopg

from benchmarks.serve import processes
from benchmarks.serve.home import Home, empty_home, put_into_service
from benchmarks.serve.material import VERSION, Material
from estate.bundles import open_predictor
from estate.core.errors import StackError
from estate.core.frame import Numbers
from estate.datasets.world import World, simulate_into
from estate.features.live import features_of_leads
from estate.services.lead_scoring.model import SPEC
from estate.store.database import Database
from estate.store.facts import read_facts
from estate.training.bundling import write_bundle
from estate.training.evidence import Origin, gather
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.gate import Contest, baseline_scores, judge
from estate.training.split import split_by_time

_CHECKED = 20
_FIRST_DAY = date(2024, 1, 1)


@dataclass(frozen=True)
class Desk:
    """What is asked.

    Parameters
    ----------
    home : Home
    material : Material
        Its rows name leads by their place in ``leads``, its scores are the right answers to the first ones.
    leads : list of str
        All that came.
    """

    home: Home
    material: Material
    leads: list[str]

    def database_seconds(self) -> float:
        """Return what Postgres has taken of the processors so far."""
        pid_file = self.home.folder.parent / "postgres" / "postmaster.pid"
        pid = int(pid_file.read_text().splitlines()[0])
        return processes.cpu_seconds(processes.family(pid, "\n"))  # its own descendants: no mark holds this


@contextmanager
def desk(folder: Path, *, days: int, leads_per_day: float) -> Iterator[Desk]:
    """Simulate, train, put into service; Postgres stops at the end."""
    (folder / "models").mkdir()
    with empty_home(folder / "models", folder.with_name(f"{folder.name}-home")) as home:
        world = World(seed=3, leads_per_day=leads_per_day, days=days, start=_FIRST_DAY)
        moment = world.at(world.days)  # the same rows, so the same model, whenever this runs
        database = Database(home.database_url)
        simulate_into(database, world, home=home.folder)
        with psycopg.connect(home.database_url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        leads = [str(lead) for lead in read_facts(database, "leads", as_of=moment)["lead_id"]]
        material = _material(folder, home, database, leads, moment)
        database.engine.dispose()
        yield Desk(home, material, leads)


def _material(folder: Path, home: Home, database: Database, leads: list[str], as_of: datetime) -> Material:
    data = extract(SPEC, database, as_of=as_of)
    parts = split_by_time(SPEC, data)
    bundle, parity = write_bundle(fit(SPEC, parts), parts, folder / "bundle")
    predictor = open_predictor(bundle, VERSION)
    baseline, named = baseline_scores(SPEC, parts.train, parts.holdout)
    challenger = predictor.predict_many(parts.holdout.features)
    contest = Contest(challenger, baseline, named, None, None, parity)
    judgement = judge(SPEC, parts.holdout, contest)
    if not judgement.verdict:
        raise StackError(f"model `{SPEC.name}`", expected="a version that passes its gate", got="none")
    proof = gather(Origin("leads-load-benchmark", as_of, "benchmark"), bundle, data, judgement=judgement)
    put_into_service(home, SPEC.name, bundle.folder, proof)
    rows = [{"lead": float(place)} for place in range(len(leads))]
    first = features_of_leads(database, SPEC, leads[:_CHECKED], as_of=as_of)
    scores: Numbers = predictor.predict_many(first.features).score
    return Material(folder, rows, scores, proof)

"""Lets a world happen on a platform of its own, and tells how it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from estate.catalog import load_catalog
from estate.core.prediction import Prediction
from estate.core.settings import load_settings
from estate.store.database import Database
from estate.store.governor_decisions import GovernorDecision, decisions_of
from estate.store.incidents import Incident, list_incidents
from estate.store.training_requests import Request, list_requests
from estate.store.watch_passes import WatchPass, list_passes
from rehearsal.desk import Desk, Training, train_first
from rehearsal.grounds import Grounds, environment
from rehearsal.platform import run_platform
from rehearsal.recording import recorded
from tests.worlds import town as module
from tests.worlds.town import BEGIN, FILE, Town, write_town

WINDOW = 420
Feed = Callable[[Prediction, float], Prediction]
"""What serving's client does to a row of a day: the prediction as it is kept."""


@dataclass(frozen=True)
class Ended:
    """How a world ended.

    Parameters
    ----------
    passes : list of WatchPass
        In order of time.
    requests : list of Request
        In order of time; the first version's is left out.
    decisions : list of GovernorDecision
    incidents : list of Incident
    trainings : list of Training
        But the first one.
    losses : dict of str to float
        Log loss before the event, in the two weeks after it, and in the last two weeks.
    """

    passes: list[WatchPass]
    requests: list[Request]
    decisions: list[GovernorDecision]
    incidents: list[Incident]
    trainings: list[Training]
    losses: dict[str, float]

    @property
    def codes(self) -> set[str]:
        """Codes of all findings of all passes."""
        return {finding.code for one in self.passes for finding in one.findings}

    @property
    def decided(self) -> list[str]:
        """Decisions of the passes, in order."""
        return [one.decision for one in self.passes]

    @property
    def open_codes(self) -> set[str]:
        """Codes of the incidents that are open at the end."""
        return {incident.code for incident in self.incidents if incident.open}

    @property
    def rules(self) -> set[str | None]:
        """Rules by which the governor held or refused."""
        return {one.rule for one in self.decisions if one.decision in {"held", "refused"}}


class _Desk(Desk):
    """Keeps what the clients of that world bring about."""

    feed: Feed | None = None

    def keep(self, answers: Sequence[Prediction]) -> None:
        if self.feed is not None:
            answers = [self.feed(one, _day(one)) for one in answers]
        super().keep(answers)


def happen(
    grounds: Grounds,
    name: str,
    town: Town,
    *,
    first_days: int,
    feed: Feed | None = None,
    table: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    schedule_days: float | None = None,
) -> Ended:
    """Train on the first days, then let the platform act once a week until the end.

    Parameters
    ----------
    feed : callable, optional
        What the clients of serving do otherwise.
    table : callable, optional
        What the CRM's table holds otherwise.
    """
    with _platform(grounds, name, town, table):
        settings = load_settings()
        spec = load_catalog(settings).get(module.SPEC.name)
        begin = (BEGIN + pd.Timedelta(days=first_days)).to_pydatetime()
        recording = recorded(spec, None, start=begin, step_days=7.0)
        train_first(recording)
        desk = _Desk(recording)
        desk.feed = feed
        steps = tuple(recording.steps())
        played = run_platform(
            recording, steps, window=WINDOW, schedule_days=schedule_days, say=lambda _: None, desk=desk
        )
        database = Database(settings.endpoint("database_url"))
        with database.begin() as connection:
            requests = list_requests(connection, spec.name, limit=1000)[::-1][1:]
            ended = Ended(
                list_passes(connection, spec.name, limit=1000)[::-1],
                requests,
                decisions_of(connection, spec.name)[::-1],
                list_incidents(connection, spec.name),
                desk.trainings,
                {},
            )
        start = steps[0].start
        days = (recording.data.times[start : start + len(played.p)] - BEGIN.value // 1000) / 86_400e6
        y = recording.data.y[start : start + len(played.p)]
        return replace(ended, losses=_losses(town, days, y, played.p))


@contextmanager
def _platform(
    grounds: Grounds, name: str, town: Town, table: Callable[[pd.DataFrame], pd.DataFrame] | None
) -> Iterator[None]:
    folder = grounds.folder / f"{name}_files"
    folder.mkdir()
    file = folder / "town.parquet"
    write_town(file, town)
    if table is not None:
        table(pd.read_parquet(file)).to_parquet(file)
    variables = {FILE: str(file), "LEADLOOP_MODELS": str(Path(module.__file__))}
    with environment(variables), grounds.platform(name):
        yield


def _day(prediction: Prediction) -> float:
    return (pd.Timestamp(prediction.at) - BEGIN).total_seconds() / 86_400


def _losses(town: Town, days: object, y: object, p: object) -> dict[str, float]:
    import numpy as np

    day, truth, score = np.asarray(days), np.asarray(y), np.clip(np.asarray(p), 1e-9, 1 - 1e-9)
    loss = -(truth * np.log(score) + (1 - truth) * np.log(1 - score))
    parts = {
        "before": day < town.event_day,
        "after": (day >= town.event_day) & (day < town.event_day + 14),
        "end": day >= town.days - 14,
    }
    return {name: float(loss[chosen].mean()) for name, chosen in parts.items()}

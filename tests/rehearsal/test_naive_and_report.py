"""The ways that the platform is compared with, and the page that a rehearsal ends in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from estate.core.model_spec import TableSource
from rehearsal.events import Event, Replayed
from rehearsal.naive import retrain_every
from rehearsal.recording import Recording, Step, recorded
from rehearsal.rehearse import Rehearsal
from rehearsal.report import write_report
from tests.worlds.town import BEGIN, SPEC, Town, write_town

DAYS, EVENT, FIRST = 126, 84, 56


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A town with a sudden drift, from its eighth week on."""
    file = tmp_path_factory.mktemp("town") / "town.parquet"
    write_town(file, Town(days=DAYS, event_day=EVENT, drift_days=1))
    assert isinstance(SPEC.source, TableSource)
    spec = replace(SPEC, source=replace(SPEC.source, path=str(file)))
    return recorded(spec, None, start=(BEGIN + pd.Timedelta(days=FIRST)).to_pydatetime(), step_days=7.0)


@pytest.fixture(scope="module")
def steps(recording: Recording) -> tuple[Step, ...]:
    """All of its weeks."""
    return tuple(recording.steps())


@pytest.fixture(scope="module")
def made(recording: Recording, steps: tuple[Step, ...]) -> Rehearsal:
    """Never and always, the first of them in the platform's place, with what happened to it."""
    never, always = (
        retrain_every(recording, steps, name=name, days=days, say=lambda _: None)
        for name, days in (("never", None), ("always", 0.0))
    )
    events = (
        Event(0, steps[1].moment, "alarm", "drift: `budget_usd` moved <far>", ("MON201",)),
        Event(0, steps[1].moment, "trained", "drift: budget_usd moved"),
        Event(0, steps[1].moment, "refused", "version 2: GATE103"),
    )
    return Rehearsal(recording, steps, (replace(never, name="leadloop", events=events), never, always))


def test_never_and_always_train_as_often_as_they_say(made: Rehearsal, steps: tuple[Step, ...]) -> None:
    _, never, always = made.replayed
    assert never.trainings == ()
    assert [training.moment for training in always.trainings] == [step.moment for step in steps[1:]]
    assert len(never.p) == len(always.p) == steps[-1].stop - steps[0].start


def test_after_the_drift_it_pays_to_train(made: Rehearsal, steps: tuple[Step, ...]) -> None:
    _, never, always = made.replayed
    last = slice(steps[-3].start - steps[0].start, None)
    assert loss(made, always, last) < loss(made, never, last) - 0.1


def test_the_page_and_its_json_say_the_same(made: Rehearsal, tmp_path: Path) -> None:
    page = write_report(made, tmp_path).read_text()
    told = json.loads((tmp_path / "rehearsal.json").read_text())
    assert [row["retrained"] for row in told["rows"]] == ["leadloop", "never", "always"]
    assert [event["kind"] for event in told["events"]] == ["alarm", "trained", "refused"]
    for row in told["rows"]:
        assert str(row["log_loss"]) in page
    assert "moved &lt;far&gt;" in page
    assert "<td>MON201<td class=n>1" in page
    assert (tmp_path / "rehearsal.png").read_bytes().startswith(b"\x89PNG")


def loss(made: Rehearsal, one: Replayed, rows: slice) -> float:
    y, p = made.y[rows], np.clip(one.p[rows], 1e-9, 1 - 1e-9)
    return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).mean())

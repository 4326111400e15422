"""Erasing a person: whatever names it is gone, nobody else loses anything, and it does not come back."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from estate.core.pair_id import pair_id
from estate.core.prediction import AnsweredBy, Prediction
from estate.core.settings import Settings
from estate.datasets.importer import import_file
from estate.datasets.mapping import Mapping
from estate.datasets.quarantine import Quarantine, Refused
from estate.datasets.world import World, simulate_into
from estate.intake.events import apply_event
from estate.services.lead_scoring.model import SPEC
from estate.signing import ensure_keys
from estate.store import erasures as store
from estate.store.database import Database
from estate.store.facts import count_facts, read_facts
from estate.store.interventions import Intervention, add_event, add_interventions
from estate.store.ledger import Order, append
from estate.store.predictions import read_recent, write_many
from estate.training.data import TrainingData
from estate.training.extract import extract
from estate.training.snapshot import SNAPSHOT, about, read_snapshot, write_snapshot
from infra import erasure
from infra.erasure import Receipt, forget, is_genuine
from model_registry import Registry
from model_registry.erasure import ERASED
from tests.estate.intake.crm import NOON, contact, message, opportunity, sent

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)


class Desk:
    """A world with a training whose rows are kept, answers, a page that names a lead, files, and a ledger."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        self.settings = Settings(home=folder / "home", database_url=SecretStr(database.url))
        ensure_keys(self.settings)
        self.registry = Registry(f"sqlite:///{folder / 'mlflow.db'}")
        simulate_into(database, World(seed=5, leads_per_day=3, days=150), home=self.settings.home)
        self.data = self.training_rows()
        self.lead = str(self.data.entities[3])
        self.other = str(self.data.entities[4])
        self.run = self._train()
        self._answer()
        self._propose()
        self._write_files()
        with database.begin() as connection:
            append(
                connection, Order(model=SPEC.name, decision="promoted", to_version="1", who="ada", why="w")
            )

    def training_rows(self) -> TrainingData:
        return extract(SPEC, self.database, as_of=AS_OF)

    def snapshot(self, data: TrainingData, name: str) -> Path:
        what = about(data, model=SPEC.name, as_of=AS_OF, feature_fingerprint=SPEC.features.fingerprint)
        (self.folder / name).mkdir(exist_ok=True)
        return write_snapshot(data, what, self.folder / name / SNAPSHOT)

    def kept_rows(self) -> Path:
        return Path(self.registry.client.download_artifacts(self.run, SNAPSHOT, str(self.folder)))

    def forget(self) -> Receipt:
        return forget(self.settings, self.database, self.registry, self.lead, who="ada", why="asked to")

    def _train(self) -> str:
        client = self.registry.client
        experiment = client.create_experiment("e", artifact_location=str(self.folder / "artifacts"))
        for _ in range(2):
            run: str = client.create_run(experiment).info.run_id
            client.log_text(run, "a card", "model_card.md")
        client.log_artifact(run, str(self.snapshot(self.data, "before")))
        client.create_registered_model(SPEC.name)
        version = client.create_model_version(SPEC.name, str(self.folder / "artifacts"), run)
        text = f"Biggest movers:\n- {self.lead}: 0.1 to 0.4\n- {self.other}: 0.2 to 0.3\n- {self.lead}0: 0.1"
        client.update_model_version(SPEC.name, version.version, description=text)
        return run

    def _answer(self) -> None:
        pairs = [pair_id(lead, home) for lead in (self.lead, self.other) for home in ("h1", "h2")]
        answers = [
            Prediction(
                prediction_id=f"01890a5d-ac96-774b-bcce-b30209{place:06d}",
                model=SPEC.name,
                version="1",
                answered_by=AnsweredBy.MODEL,
                entity_id=lead,
                score=0.5,
                label=None,
                features={},
                fingerprint="f",
                at=NOON,
            )
            for place, lead in enumerate([self.lead, self.other, self.lead, None, *pairs])
        ]
        with self.database.begin() as connection:
            write_many(connection, answers)
        self.answers = answers

    def _propose(self) -> None:
        row = Intervention(
            lead_id=self.lead,
            round=0,
            kind="call",
            indicators=("no_reply",),
            evidence=("no reply for 16 days, usual 3",),
            arm="proposed",
            propensity=0.9,
            risk=0.5,
            level="high",
            source="rules",
            version="rules",
            effect=0.1,
            cost_usd=11.25,
            benefit_usd=3.0,
            horizon_days=30.0,
            at=NOON,
        )
        with self.database.begin() as connection:
            add_interventions(connection, [row, replace(row, lead_id=self.other)])
            add_event(connection, row.intervention_id, "accepted", who="ada", at=NOON)

    def _write_files(self) -> None:
        quarantine = Quarantine(self.settings.home, "0" * 32)
        rows = [Refused(2, ("kind: no",), f"{self.lead},dance"), Refused(3, ("kind: no",), f"{self.other},x")]
        quarantine.add(rows)
        for name, lead in (("a", self.lead), ("b", self.other)):
            path = self.settings.home / "serving" / "journal" / "refused" / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"entity_id": lead}))
        for payload in (contact(self.lead), contact(self.lead, city=["odd"], hours=1), {"type": "Contact"}):
            apply_event(self.database, sent(payload), Mapping())
        quoting = {"type": "OpportunityUpdate", "id": 7, "contactId": self.lead, "status": "won"}
        apply_event(self.database, sent(quoting), Mapping())


@pytest.fixture
def desk(tmp_path: Path, database: Database, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    shutil.copy(migrated, tmp_path / "mlflow.db")
    return Desk(tmp_path, database)


def rows_that_name(database: Database, lead: str) -> dict[str, int]:
    """Look through every column of every table."""
    found = {}
    with database.begin() as connection:
        for table in sa.inspect(connection).get_table_names():
            rows = connection.execute(sa.text(f'SELECT t::text, to_jsonb(t)::text FROM "{table}" t'))
            hexed = lead.encode().hex()
            marks = f'"{lead}"', f'"{lead}|'
            count = sum(any(mark in js for mark in marks) or hexed in text for text, js in rows)
            if count:
                found[table] = count
    return found


def test_whatever_names_a_lead_is_gone_and_nobody_else_loses_anything(desk: Desk) -> None:
    named = rows_that_name(desk.database, desk.lead)
    assert {"leads", "interactions", "predictions", "received_events", "interventions"} <= set(named)
    others = {kind: count_facts(desk.database, kind) for kind in ("leads", "interactions", "messages")}
    own = read_facts(desk.database, "interactions", lead_ids=[desk.lead])
    receipt = desk.forget()
    assert rows_that_name(desk.database, desk.lead) == {}
    assert count_facts(desk.database, "leads") == others["leads"] - 1
    assert count_facts(desk.database, "interactions") == others["interactions"] - len(own)
    assert receipt.rows["predictions"] == 4
    assert receipt.rows["received_events"] == named["received_events"] == 3
    with desk.database.begin() as connection:
        kept = [one.entity_id for one in read_recent(connection, SPEC.name)]
    assert sorted(map(str, kept)) == sorted(["None", desk.other, f"{desk.other}|h1", f"{desk.other}|h2"])
    text = desk.registry.client.get_model_version(SPEC.name, "1").description
    expected = f"- (erased): 0.1 to 0.4\n- {desk.other}: 0.2 to 0.3\n- {desk.lead}0: 0.1"
    assert text == f"Biggest movers:\n{expected}"
    (left,) = Quarantine(desk.settings.home, "0" * 32).read()
    assert left.row == f"{desk.other},x"
    files = desk.settings.home / "serving" / "journal" / "refused"
    assert [path.name for path in files.glob("*")] == ["b.json"]
    assert (receipt.quarantined, receipt.files, receipt.descriptions) == (1, 1, 1)
    for path in desk.settings.home.rglob("*"):
        assert path.is_dir() or f'"{desk.lead}"' not in path.read_text(errors="replace")


def test_the_rows_of_its_training_are_rebuilt_to_the_byte_without_it(desk: Desk) -> None:
    receipt = desk.forget()
    (run,) = receipt.runs
    what, rows = read_snapshot(desk.kept_rows())
    mine = int((desk.data.entities == desk.lead).sum())
    assert mine >= 1
    assert (run.rows, run.before, run.after) == (mine, desk.data.fingerprint, what.fingerprint)
    assert len(rows) == len(desk.data) - mine
    again = desk.training_rows()
    assert again.fingerprint == run.after
    assert desk.snapshot(again, "after").read_bytes() == desk.kept_rows().read_bytes()
    assert desk.registry.client.get_run(desk.run).data.tags[ERASED] == run.after
    assert receipt.runs_looked_at == 1


def test_it_does_not_come_back_by_any_way(desk: Desk, tmp_path: Path) -> None:
    desk.forget()
    happened = "2026-01-05T08:30:00Z"
    path = tmp_path / "again.csv"
    path.write_text(
        "interaction_id,lead_id,kind,event_at\n"
        f"n1,{desk.lead},visit,{happened}\nn2,{desk.other},visit,{happened}\nn3,{desk.lead},dance,{happened}\n"
    )
    report = import_file(desk.database, "interactions", path, home=desk.settings.home)
    assert (report.rows_new, report.rows_erased, report.rows_refused, report.rows_known) == (1, 2, 0, 0)
    name = desk.answers[0].prediction_id[:-1] + "9"
    late = [replace(desk.answers[0], prediction_id=name)]
    with desk.database.begin() as connection:
        assert write_many(connection, late) == 0
    for payload in (
        contact(desk.lead, hours=9),
        message(lead=desk.lead),
        message("m2", lead=desk.lead, body=[]),
    ):
        event = apply_event(desk.database, sent(payload), Mapping()).event
        assert (event.state, event.lead_id, event.object, event.body) == ("ignored", None, None, None)
    apply_event(desk.database, sent(opportunity("won", hours=1, contactId=desk.lead)), Mapping())
    assert rows_that_name(desk.database, desk.lead) == {}
    with desk.database.begin() as connection:
        assert store.readmit(connection, desk.lead, who="bob", why="came back") == 1
        (kept,) = store.list_erasures(connection)
    assert kept.why == "asked to; readmitted by bob: came back"
    assert is_genuine(desk.settings, kept)
    apply_event(desk.database, sent(message("m3", lead=desk.lead)), Mapping())
    assert len(read_facts(desk.database, "messages", lead_ids=[desk.lead])) == 1


def test_the_receipt_is_signed_names_nobody_and_a_changed_one_is_told(desk: Desk) -> None:
    receipt = desk.forget()
    with desk.database.begin() as connection:
        (kept,) = store.list_erasures(connection)
    assert kept.receipt == receipt.to_json()
    assert desk.lead not in receipt.to_json()
    assert receipt.ledger_head
    assert is_genuine(desk.settings, kept)
    assert json.loads((desk.settings.home / "erasures" / f"{kept.erasure_id}.json").read_text())["signature"]
    changed = kept.receipt.replace('"files":1', '"files":2')
    assert changed != kept.receipt
    assert not is_genuine(desk.settings, type(kept)(**{**vars(kept), "receipt": changed}))


@pytest.mark.parametrize("step", ["delete_rows", "erase_from_runs", "erase_from_quarantine", "check_chain"])
def test_one_that_was_cut_off_is_gone_on_with(step: str, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    where = "infra.erasure.store" if step == "delete_rows" else "infra.erasure"
    with monkeypatch.context() as patch:
        patch.setattr(f"{where}.{step}", cut_off)
        with pytest.raises(KeyboardInterrupt):
            desk.forget()
    # nothing comes in any more, though the erasure is not done
    apply_event(desk.database, sent(message(lead=desk.lead)), Mapping())
    receipt = desk.forget()
    assert rows_that_name(desk.database, desk.lead) == {}
    assert desk.lead not in read_snapshot(desk.kept_rows())[1]["entity"].tolist()
    with desk.database.begin() as connection:
        (only,) = store.list_erasures(connection)
    assert only.erasure_id == receipt.erasure_id
    assert only.finished_at is not None


def test_asked_twice_it_says_that_nothing_was_left(desk: Desk) -> None:
    desk.forget()
    again = desk.forget()
    assert set(again.rows.values()) == {0}
    assert again.runs == ()
    assert np.sum([again.files, again.quarantined, again.descriptions]) == 0


def test_a_file_that_names_the_lead_with_a_home_goes_too(tmp_path: Path) -> None:
    for name, case in (("a", pair_id("x|y", "h7")), ("b", "x|y"), ("c", pair_id("x|yz", "h7")), ("d", "x")):
        (tmp_path / f"{name}.json").write_text(json.dumps({"entity_id": case}))
    assert erasure._erase_files(sorted(tmp_path.iterdir()), "x|y") == 2
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["c", "d"]

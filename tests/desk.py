"""A desk of people who promote: a running stack and two versions of a model that passed their gates."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pandas as pd

from estate.core.settings import Settings
from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Entry
from model_registry import Registry, connect
from tests.asking import Asking
from tests.conftest import run_leadloop, stack_environment
from tests.specs import write_homes

MODEL = "flat_sale"
TURN = "2024-03-04T00:00:00Z"
"""Up to here the first version was trained; from here on buyers want the opposite."""
ROW = {"rooms": 5, "price_usd": 310_000, "area": "north"}
MODEL_FILE = Path(__file__).parent / "flat_sale.py"


def write_market(folder: Path) -> None:
    """Write flats whose buyers change their minds half-way, so that a retrained version is really better."""
    before = pd.read_csv(write_homes(folder / "before.csv", rows=1500, seed=1))
    after = pd.read_csv(write_homes(folder / "after.csv", rows=1500, seed=2, signal=-1.0))
    after["home_id"] = "n" + after["home_id"]
    after["listed_at"] = pd.date_range(TURN, periods=len(after), freq="h").astype(str)
    pd.concat([before, after]).to_csv(folder / "flats.csv", index=False)


@dataclass(frozen=True)
class Desk:
    """What a person at the desk can reach."""

    settings: Settings
    environment: dict[str, str]
    database: Database
    registry: Registry

    def leadloop(self, *arguments: str) -> str:
        """Type a command."""
        return run_leadloop(*arguments, environment=self.environment)

    def in_production(self, version: str) -> None:
        """Have this version in production, and settled, whatever was before."""
        self.leadloop("promote", MODEL, version, "--reason", "the test begins with it")
        self.wait(lambda: self.shown() == (version, [version]))

    def shown(self) -> tuple[str | None, list[str]]:
        """Return the version under the alias, and those in stage Production."""
        client = self.registry.client
        alias = client.get_registered_model(MODEL).aliases.get("production")
        found = client.search_model_versions(f"name = '{MODEL}'")
        return str(alias), [
            str(version.version) for version in found if version.current_stage == "Production"
        ]

    def history(self) -> list[Entry]:
        """Return the model's rows of the ledger, whose chain holds."""
        with self.database.begin() as connection:
            ledger.verify(connection)
            return ledger.history(connection, MODEL)

    def asking(self) -> Asking:
        """Return a client of serving."""
        return Asking(f"{self.settings.endpoint('serving_url')}/v1/models/{MODEL}/predict", dict(ROW))

    def served(self) -> dict[str, object]:
        """Return what serving says of the model."""
        address = f"{self.settings.endpoint('serving_url')}/v1/models/{MODEL}"
        found: dict[str, object] = httpx.get(address, trust_env=False).json()
        return found

    def wait(self, condition: Callable[[], bool], *, seconds: float = 10) -> float:
        """Wait until it is so; return how many seconds it took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() < began + seconds, (self.shown(), self.history()[-3:])
            time.sleep(0.02)
        return time.monotonic() - began


def open_desk(stack: Settings) -> Desk:
    """Have a desk whose version 1 knew the old market, version 2 the new one: both passed the real gate.

    Asked for again on the same stack, it is the same desk.
    """
    (models,) = stack.models
    database = Database(stack.endpoint("database_url"))
    desk = Desk(stack, stack_environment(stack.home), database, connect(stack))
    if (models / MODEL_FILE.name).exists():
        return desk
    models.mkdir(exist_ok=True)
    write_market(models)
    shutil.copy(MODEL_FILE, models)
    assert "version 1: passed" in desk.leadloop("retrain", MODEL, "--as-of", TURN)
    desk.leadloop("promote", MODEL, "1", "--reason", "the first one")
    assert "version 2: passed" in desk.leadloop("retrain", MODEL)
    return desk

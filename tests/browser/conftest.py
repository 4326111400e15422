"""Two versions of a user's model that passed their gates on a running stack, and a browser."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from estate.core.settings import Settings
from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Entry
from model_registry import Registry, connect
from tests.browser import chromium
from tests.conftest import run_leadloop, stack_environment
from tests.specs import write_homes

MODEL = "flat_sale"
TURN = "2024-03-04T00:00:00Z"
"""Up to here the first version was trained; from here on buyers want the opposite."""
MODEL_FILE = Path(__file__).parent / "flat_sale.py"
Saving = Callable[[str], None]
Saying = Callable[[str, float], None]


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

    def wait(self, condition: Callable[[], bool], *, seconds: float = 10) -> float:
        """Wait until it is so; return how many seconds it took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() < began + seconds, (self.shown(), self.history()[-3:])
            time.sleep(0.02)
        return time.monotonic() - began


@pytest.fixture(scope="session")
def programs() -> tuple[Path, Path]:
    """Return browser and driver; the test is skipped where they are absent."""
    found = chromium.find()
    if found is None:
        pytest.skip(f"needs {' or '.join(chromium.NAMES)}, and chromedriver (Debian: chromium-driver)")
    return found


@pytest.fixture(scope="session")
def desk(programs: tuple[Path, Path], stack: Settings) -> Iterator[Desk]:
    """Version 1 knew the old market, version 2 the new one: both passed the real gate, 1 is in production."""
    (models,) = stack.models
    models.mkdir(exist_ok=True)
    write_market(models)
    shutil.copy(MODEL_FILE, models)
    database = Database(stack.endpoint("database_url"))
    desk = Desk(stack, stack_environment(stack.home), database, connect(stack))
    assert "version 1: passed" in desk.leadloop("retrain", MODEL, "--as-of", TURN)
    desk.leadloop("promote", MODEL, "1", "--reason", "the first one")
    assert "version 2: passed" in desk.leadloop("retrain", MODEL)
    yield desk
    database.engine.dispose()


@pytest.fixture
def browser(programs: tuple[Path, Path]) -> Iterator[WebDriver]:
    """Return a browser of a new person."""
    with chromium.opened(*programs) as opened:
        yield opened


@pytest.fixture
def save(browser: WebDriver) -> Saving:
    """Return what saves a picture of the page under a name, if LEADLOOP_SCREENSHOTS names a folder."""
    named = os.environ.get("LEADLOOP_SCREENSHOTS")

    def saved(name: str) -> None:
        if named:
            Path(named).mkdir(parents=True, exist_ok=True)
            browser.save_screenshot(str(Path(named) / f"{name}.png"))

    return saved


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Saying:
    """Return what prints how many seconds something took, though the test passes."""

    def said(what: str, seconds: float) -> None:
        with capsys.disabled():
            print(f"\n{what}: {seconds:.2f} s")  # noqa: T201 - these times are what the test is for

    return said

"""Two versions of a user's model that passed their gates on a running stack, and a browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.remote.webdriver import WebDriver

from estate.core.settings import Settings
from tests.browser import chromium
from tests.desk import Desk, open_desk

Saving = Callable[[str], None]
Saying = Callable[[str, float], None]


@pytest.fixture(scope="session")
def programs() -> tuple[Path, Path]:
    """Return browser and driver; the test is skipped where they are absent."""
    found = chromium.find()
    if found is None:
        pytest.skip(f"needs {' or '.join(chromium.NAMES)}, and chromedriver (Debian: chromium-driver)")
    return found


@pytest.fixture(scope="session")
def desk(programs: tuple[Path, Path], stack: Settings) -> Iterator[Desk]:
    """Version 1 is in production, version 2 waits; skipped where no browser is."""
    desk = open_desk(stack)
    yield desk
    desk.database.engine.dispose()


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

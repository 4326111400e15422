"""Headless Chromium that reaches nothing but this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webdriver import WebDriver

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--window-size=1360,1000",
)


def find() -> tuple[Path, Path] | None:
    """Return the programs of the browser and of its driver; None if either is absent."""
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    driver = shutil.which("chromedriver")
    return (Path(browser), Path(driver)) if browser and driver else None


@contextmanager
def opened(browser: Path, driver: Path) -> Iterator[WebDriver]:
    """Open a browser of a new person: no cookies, no settings, no cache."""
    with TemporaryDirectory(prefix="leadloop-chromium-", ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = str(browser)
        for option in (*OPTIONS, f"--user-data-dir={profile}"):
            options.add_argument(option)
        opened = webdriver.Chrome(options=options, service=Service(str(driver)))
        try:
            yield opened
        finally:
            opened.quit()

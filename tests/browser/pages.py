"""What a person sees and clicks, by the names that the pages give their own parts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

SECONDS = 30.0
Found = TypeVar("Found")


class Page:
    """Any page."""

    def __init__(self, browser: WebDriver, address: str) -> None:
        self.browser = browser
        self.address = address

    def open(self) -> None:
        """Load the page anew."""
        self.browser.get("about:blank")  # the address differs after # only: the browser would not load again
        self.browser.get(self.address)

    @property
    def text(self) -> str:
        """What can be read on it now."""
        return str(self.browser.find_element(By.TAG_NAME, "body").text)

    def wait_for_text(self, *texts: str) -> str:
        """Wait until all of them can be read; return all that can be read."""

        def look() -> str | None:
            seen = self.text
            return seen if all(text in seen for text in texts) else None

        return self.wait(look, texts)

    def find(self, css: str, text: str = "") -> WebElement:
        """Wait for the one part of this kind that can be seen and says this; return the first."""

        def look() -> WebElement | None:
            for part in self.browser.find_elements(By.CSS_SELECTOR, css):
                if part.is_displayed() and part.is_enabled() and text in part.text:
                    return part
            return None

        return self.wait(look, (css, text))

    def choose(self, text: str) -> None:
        """Click on what says just this."""
        parts = f"//*[text()[normalize-space()='{text}']]"

        def look() -> WebElement | None:
            seen = (part for part in self.browser.find_elements(By.XPATH, parts) if part.is_displayed())
            return next(seen, None)

        self.wait(look, text).click()

    def wait(self, look: Callable[[], Found | None], wanted: object) -> Found:
        """Look until something is there."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                if found := look():
                    return found
            except StaleElementReferenceException:
                pass  # the page was just drawn anew
            time.sleep(0.05)
        raise AssertionError(f"{wanted} never came on {self.browser.current_url}:\n{self.text[:3000]}")


class VersionPage(Page):
    """The page of one model version in the MLflow UI."""

    def __init__(self, browser: WebDriver, mlflow: str, model: str, version: str) -> None:
        super().__init__(browser, f"{mlflow}/#/models/{model}/versions/{version}")
        self.title = f"Version {version}"

    def open(self) -> None:
        """Load the page; a new person's first visit opens a chat panel over it, which is closed."""
        super().open()
        self.wait_for_text(self.title, "Description")
        panel = self.browser.find_elements(By.CSS_SELECTOR, _id("mlflow.assistant.chat_panel.close"))
        if panel and panel[0].is_displayed():
            panel[0].click()

    def type_alias(self, alias: str) -> str:
        """Press the pencil, type an alias; return what the dialog says."""
        self.find(_contains("modelversionviewaliaseditor.tsx")).click()  # where there is no alias yet: "Add"
        self.find("[role=dialog] input").send_keys(alias, Keys.ENTER)
        self.wait_for_text(f"@ {alias}")
        return self.find("[role=dialog]").text

    def save_aliases(self) -> float:
        """Press the button; return when, in seconds of the monotonic clock."""
        button = self.find(_id("mlflow.edit-aliases-modal.save-button"))
        return _click(button)

    def switch_to_stages(self) -> None:
        """Switch "New model registry UI" off, which gives the old stage menu back."""
        self.find("[aria-label='New model registry UI']").click()
        self.find("[role=dialog] button", "Disable").click()
        self.find(".mlflow-stage-transition-dropdown")

    def choose_stage(self, stage: str) -> str:
        """Choose a stage in the menu, and that others leave it; return what the dialog says."""
        self.find(".mlflow-stage-transition-dropdown").click()
        self.find("[role=menuitem]", stage).click()
        self.wait_for_text("Stage transition")
        self.find("[role=dialog] label", "Archived").click()
        return self.find("[role=dialog]").text

    def confirm_stage(self) -> float:
        """Press OK; return when, in seconds of the monotonic clock."""
        return _click(self.find("[role=dialog] button", "OK"))


def _click(button: WebElement) -> float:
    at = time.monotonic()
    button.click()
    return at


def _id(name: str) -> str:
    return f"[data-component-id='{name}']"


def _contains(name: str) -> str:
    return f"[data-component-id*='{name}']"

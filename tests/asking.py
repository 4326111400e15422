"""A client that asks serving all the time, and remembers what it was told when."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx


@dataclass(frozen=True)
class Told:
    """One answer: the version that made it, or the failure; ``at`` is of the monotonic clock."""

    at: float
    version: str


class Asking:
    """Posts one prediction after the other, in a thread of its own."""

    PAUSE_SECONDS = 0.02

    def __init__(self, address: str, row: dict[str, object]) -> None:
        self.address = address
        self.row = row
        self.told: list[Told] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @property
    def versions(self) -> list[str]:
        """Return the different answers so far, in the order in which they first came."""
        return list(dict.fromkeys(told.version for told in list(self.told)))

    def seconds_until(self, version: str, since: float, *, most: float) -> float:
        """Wait for the first answer of this version; return how long after ``since`` it came."""
        while time.monotonic() < since + most:
            for told in list(self.told):
                if told.at >= since and told.version == version:
                    return told.at - since
            time.sleep(0.01)
        raise AssertionError(f"version {version} did not answer within {most} s, but {self.versions}")

    def _ask(self) -> None:
        with httpx.Client(trust_env=False, timeout=10) as client:
            while not self._over.is_set():
                try:
                    answer = client.post(self.address, json={"rows": [self.row]})
                    version = answer.json()["version"] if answer.is_success else f"HTTP {answer.status_code}"
                except httpx.HTTPError as error:
                    version = type(error).__name__
                self.told.append(Told(time.monotonic(), version))
                self._over.wait(self.PAUSE_SECONDS)

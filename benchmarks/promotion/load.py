"""Clients that ask without a pause, and remember which version answered when."""

from __future__ import annotations

import threading
import time
from collections import Counter
from types import TracebackType
from typing import Self

import httpx

from estate.core.errors import StackError

_FOREVER = 30.0


class Load:
    """Clients, each in a thread with a kept connection; use it as a context.

    Parameters
    ----------
    address : str
        Where to post.
    row : dict
    clients : int
    pause_seconds : float
        Between an answer and the next request of a client.
    """

    def __init__(
        self, address: str, row: dict[str, object], *, clients: int = 2, pause_seconds: float = 0.005
    ) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self._address, self._row, self._pause = address, row, pause_seconds
        self._latest: dict[str, float] = {}
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def seconds_until(self, version: str, since: float) -> float:
        """Wait for the first answer of a version; returns how long after ``since`` it came.

        Raises
        ------
        StackError
            If none comes in half a minute.
        """
        deadline = time.monotonic() + _FOREVER
        while time.monotonic() < deadline:
            at = self._latest.get(version)
            if at is not None and at >= since:
                return at - since
            time.sleep(0.001)
        raise StackError(
            f"version {version}",
            expected=f"an answer within {_FOREVER:g} s",
            got=f"answers of {dict(self._latest)}, failures {dict(self.failures)}",
        )

    def _ask(self) -> None:
        with httpx.Client(trust_env=False, timeout=10) as client:
            while not self._over.is_set():
                try:
                    answer = client.post(self._address, json={"rows": [self._row]})
                    if answer.is_success:
                        self._note(str(answer.json()["version"]))
                    else:
                        self.failures[f"HTTP {answer.status_code}"] += 1
                except httpx.HTTPError as error:
                    self.failures[type(error).__name__] += 1
                self._over.wait(self._pause)

    def _note(self, version: str) -> None:
        self.answers[version] += 1
        if version not in self._latest:
            # Only the first answer of a version counts: another one takes its place in the record.
            self._latest = {version: time.monotonic()}

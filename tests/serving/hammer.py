"""Load while something changes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import httpx

from tests.serving.shop import ROW, Served


class Hammer:
    """Four clients that ask all the time; any answer but 200 is an error.

    Parameters
    ----------
    served : Served
    row : mapping, optional
    """

    def __init__(self, served: Served, row: Mapping[str, object] = ROW) -> None:
        self.row = row
        self.answers: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.done = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(served.url,)) for _ in range(4)]
        for thread in self.threads:
            thread.start()

    def run(self, url: str) -> None:
        with httpx.Client(base_url=url) as client:
            while not self.done.is_set():
                response = client.post("/v1/models/sale/predict", json={"rows": [self.row]})
                if response.status_code == 200:
                    self.answers.append(response.json())
                else:
                    self.errors.append(response.text)

    def versions(self) -> set[str]:
        """Return who has answered so far."""
        return {answer["version"] for answer in tuple(self.answers)}

    def stop(self) -> list[dict[str, Any]]:
        self.done.set()
        for thread in self.threads:
            thread.join()
        assert self.errors == []
        return self.answers

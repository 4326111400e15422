"""Requests as bytes on connections that a test holds itself."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection.

    Parameters
    ----------
    url : str
        Of the process.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.socket = socket.create_connection((parts.hostname, parts.port or 80), timeout=30)
        self._read = b""

    def send(self, *rows: object, model: str = "gated", **headers: str) -> None:
        self.socket.sendall(request(*rows, model=model, **headers))

    def answer(self) -> Answer:
        """Read one answer."""
        while b"\r\n\r\n" not in self._read:
            self._receive()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        size = int(headers["content-length"])
        while len(self._read) < size:
            self._receive()
        body, self._read = self._read[:size], self._read[size:]
        return Answer(int(first.split()[1]), headers, body)

    def is_closed(self) -> bool:
        """Wait until the other side closes."""
        return self.socket.recv(1) == b""

    def close(self) -> None:
        self.socket.close()

    def _receive(self) -> None:
        got = self.socket.recv(65536)
        assert got, "closed in the middle"
        self._read += got


def request(*rows: object, model: str = "gated", **headers: str) -> bytes:
    """Return a request for scores; headers by name with ``_`` for ``-``."""
    return with_body(json.dumps({"rows": rows}).encode(), model=model, **headers)


def with_body(body: bytes, *, model: str = "gated", **headers: str) -> bytes:
    head = {"content-type": "application/json", "content-length": str(len(body))}
    head |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST /v1/models/{model}/predict HTTP/1.1\r\nhost: x\r\n{lines}\r\n".encode() + body

"""Ways to know that a part is ready, each one question with the answer yes or no."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from typing import Any

TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Finished:
    """The step has ended with exit code 0."""


@dataclass(frozen=True)
class Alive:
    """The process has lived for some seconds: for loops that listen on nothing.

    Choose longer than its imports take, or a program that can't be loaded passes for a healthy one.
    """

    seconds: float


@dataclass(frozen=True)
class Answers:
    """A GET of the address returns 2xx."""

    url: str


@dataclass(frozen=True)
class Succeeds:
    """A command exits with 0."""

    command: tuple[str, ...]


@dataclass(frozen=True)
class Polls:
    """A Prefect worker of this name has reported to its pool since it was started."""

    api: str
    pool: str
    worker: str


Health = Finished | Alive | Answers | Succeeds | Polls


def is_healthy(health: Health, started: datetime, now: datetime) -> bool:
    """Ask once; takes at most a few seconds and never raises for a part that is down.

    Parameters
    ----------
    health : Health
        The question.
    started, now : datetime
        When the part was started, and the present moment.
    """
    match health:
        case Finished():
            return False  # only its exit code tells
        case Alive(seconds):
            return (now - started).total_seconds() >= seconds
        case Answers(url):
            return request("GET", url) is not None
        case Succeeds(command):
            return (
                subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT_S).returncode == 0
            )
        case Polls(api, pool, worker):
            found = request("POST", f"{api}/work_pools/{pool}/workers/filter", {})
            return any(_reported(one, worker, started) for one in json.loads(found or b"[]"))


def _reported(found: dict[str, Any], worker: str, started: datetime) -> bool:
    at = datetime.fromisoformat(found["last_heartbeat_time"])
    return found["name"] == worker and found["status"] == "ONLINE" and at >= started


def request(method: str, url: str, body: object = None) -> bytes | None:
    """Send JSON over HTTP; return the answer's body, or None without a good answer.

    A proxy of the environment is not used: what is asked here is this machine, or a server that was named
    explicitly. ``PREFECT_API_AUTH_STRING`` is sent if it is set, as Prefect's own client does.
    """
    headers = {"Content-Type": "application/json"}
    if secret := os.environ.get("PREFECT_API_AUTH_STRING"):
        headers["Authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
    data = None if body is None else json.dumps(body).encode()
    message = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - our own addresses
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(message, timeout=TIMEOUT_S) as answer:
            return bytes(answer.read())
    except (OSError, ValueError):  # refused, late, reset, 4xx and 5xx are all OSError here
        return None

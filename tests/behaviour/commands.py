"""What a data scientist types, against the running stack."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

import pandas as pd

from estate.core.settings import Settings
from tests.conftest import ROOT, stack_environment

Row = dict[str, Any]


def leadloop(stack: Settings, *arguments: str, code: int = 0) -> str:
    """Run a command and return what it says; the test fails where it exits otherwise than expected."""
    command = [sys.executable, "-m", "infra.cli.main", *arguments]
    environment = stack_environment(stack.home)
    ran = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def trained(stack: Settings, model: str) -> str:
    """Train a model and return its new version, which must have passed."""
    said = leadloop(stack, "retrain", model)
    found = re.search(r"version (\d+): passed", said)
    assert found, said
    return found[1]


def predict(stack: Settings, model: str, rows: list[Row]) -> Any:
    """Ask serving over HTTP."""
    return call(stack, f"/v1/models/{model}/predict", {"rows": rows})


def call(stack: Settings, path: str, body: object = None) -> Any:
    """Return the decoded answer of serving; 4xx are answers too."""
    request = urllib.request.Request(
        f"{stack.endpoint('serving_url')}{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def served(stack: Settings, model: str, version: str, rows: list[Row], *, seconds: float = 20.0) -> Any:
    """Return the answer once it comes from a version."""
    until = time.monotonic() + seconds
    while (answer := predict(stack, model, rows)).get("version") != version:
        assert time.monotonic() < until, answer
        time.sleep(0.1)
    return answer


def rows_of(table: pd.DataFrame) -> list[Row]:
    """Return the rows of a table as a client would send them: null where nothing is known."""
    listed: list[Row] = json.loads(table.to_json(orient="records"))
    return listed

"""Step: the deployments of ``prefect.yaml`` are in Prefect.

Deploying takes seconds and replaces automations, so it is done only when something changed: the digest of
what was deployed is kept in Prefect itself, as a variable, where it can't disagree with the deployments.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

from infra.stack.health import request
from infra.stack.schedules import synchronise

VARIABLE = "leadloop_deployed"


def digest(root: Path) -> str:
    """Return a digest of what deployments are made from: file, flows and parameters, versions, folder."""
    found = hashlib.sha256(str(root).encode())
    for package in ("leadloop", "prefect"):
        found.update(importlib.metadata.version(package).encode())
    for path in (root / "prefect.yaml", *sorted((root / "flows").glob("**/*.py"))):
        found.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return found.hexdigest()


def is_deployed(api: str, wanted: str) -> bool:
    """Return whether Prefect says that exactly this was deployed."""
    answer = request("GET", f"{api}/variables/name/{VARIABLE}")
    return answer is not None and json.loads(answer)["value"] == wanted


def remember(api: str, deployed: str) -> None:
    """Tell Prefect what was deployed."""
    body = {"name": VARIABLE, "value": deployed}
    if request("PATCH", f"{api}/variables/name/{VARIABLE}", body) is None:
        request("POST", f"{api}/variables/", body)


def main(root: Path) -> None:
    """Deploy what changed."""
    api = os.environ["PREFECT_API_URL"]
    if not (root / "prefect.yaml").exists():
        print(f"no prefect.yaml in {root}: nothing to deploy")  # noqa: T201 - this is the step's log
        return
    wanted = digest(root)
    if is_deployed(api, wanted):
        print("deployed before")  # noqa: T201
    else:
        command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
        if code := subprocess.run(command, cwd=root, check=False).returncode:
            sys.exit(code)
        remember(api, wanted)
    synchronise(api, root)


if __name__ == "__main__":
    main(Path(__file__).parents[2])

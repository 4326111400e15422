"""What ``leadloop doctor`` looks at: each check is a function of the settings that returns a finding."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from estate.core.clock import now
from estate.core.errors import LeadloopError
from estate.core.settings import Settings

LEAST_FREE_GB = 2.0


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    Parameters
    ----------
    check : str
        What was looked at.
    ok : bool
        Whether it is as it should be.
    found : str
        What was found.
    todo : str
        What to do if it is not.
    warns : bool
        Good enough to work with, but there is something to do.
    """

    check: str
    ok: bool
    found: str
    todo: str = ""
    warns: bool = False


def run_checks(settings: Settings) -> list[Finding]:
    """Run all checks; one that can't look, because an address is missing, is a bad finding too."""
    findings = []
    for check in CHECKS:
        try:
            findings.append(check(settings))
        except LeadloopError as error:
            findings.append(Finding(check.__name__, ok=False, found=str(error)))
    return findings


def python(_settings: Settings) -> Finding:
    """Python is a version that the locked packages know."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    good = (3, 11) <= sys.version_info[:2] < (3, 14)
    return Finding("python", good, version, "Install Python 3.11, 3.12 or 3.13 and run `make up`.")


def packages(_settings: Settings) -> Finding:
    """Every package is there in a version that the project asks for."""
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    wanted = [Requirement(line) for line in requires("leadloop") or []]
    wrong, count = [], 0
    for one in wanted:
        if one.marker and not one.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            if not one.specifier.contains(version(one.name), prereleases=True):
                wrong.append(f"{one.name} {version(one.name)} (wanted {one.specifier})")
        except PackageNotFoundError:
            wrong.append(f"{one.name} is missing")
    found = "; ".join(wrong) or f"{count} packages in the versions that are asked for"
    return Finding("packages", not wrong, found, "Remove .venv and run `make up`.")


def home(settings: Settings) -> Finding:
    """The folder of state can be written."""
    folder = settings.home.resolve()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    good = os.access(nearest, os.W_OK | os.X_OK)
    return Finding(
        "home",
        good,
        f"{folder}{'' if good else ' cannot be written'}",
        "Set LEADLOOP_HOME to a folder of yours.",
    )


def disk(settings: Settings) -> Finding:
    """There is room for artifacts and logs."""
    folder = settings.home.resolve()
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    free_gb = shutil.disk_usage(nearest).free / 1e9
    return Finding(
        "disk",
        free_gb >= LEAST_FREE_GB,
        f"{free_gb:.0f} GB free",
        f"Make room: {LEAST_FREE_GB:.0f} GB at least.",
    )


def database(settings: Settings) -> Finding:
    """The database answers, and its tables are those of this version."""
    import psycopg

    from infra.migrations.run import revisions
    from infra.stack.database_urls import libpq, without_password

    url = libpq(settings.endpoint("database_url"))
    where = without_password(url)
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        return Finding(
            "database",
            ok=False,
            found=f"{where}: {reason}",
            todo="Run `leadloop up`, or correct LEADLOOP_DATABASE_URL.",
        )
    current, newest = revisions(url)
    found = f"{where} at migration {current}" + ("" if current == newest else f", the newest is {newest}")
    return Finding("database", current == newest, found, "Run `leadloop up`: it migrates.")


def ledger(settings: Settings) -> Finding:
    """The user of the database can't change the ledger or the evidence."""
    from infra.stack.rights import changeable

    tables = changeable(settings.endpoint("database_url"))
    if not tables:
        return Finding("ledger", ok=True, found="can't be changed by the user that Leadloop works as")
    return Finding(
        "ledger",
        ok=True,
        found=f"this user could change the {' and the '.join(tables)}, if it took the triggers away.",
        todo="Set LEADLOOP_OWNER_DATABASE_URL to it, and LEADLOOP_DATABASE_URL to another user.",
        warns=True,
    )


def keys(settings: Settings) -> Finding:
    """There is a key to sign evidence with, nobody else can read it, and its signatures count."""
    from estate.signing import key_ring

    ring = key_ring(settings)
    name = ring.signing_key().key_id
    mode = ring.signing.stat().st_mode & 0o777
    if mode & 0o077:
        found = f"{ring.signing} can be read by others (mode {mode:04o})."
        return Finding("keys", ok=False, found=found, todo=f"Run `chmod 600 {ring.signing}`.")
    trusted = ring.trusted_keys()
    if name not in trusted:
        found = f"key {name} signs, but is not among the trusted ones."
        return Finding("keys", ok=False, found=found, todo="Run `leadloop keys rotate`.")
    return Finding("keys", ok=True, found=f"key {name} signs; trusted: {len(trusted)}")


def mlflow(settings: Settings) -> Finding:
    """MLflow answers."""
    return _answers("mlflow", settings.endpoint("mlflow_url"), "/health")


def prefect(settings: Settings) -> Finding:
    """Prefect answers, database included."""
    return _answers("prefect", settings.endpoint("prefect_url"), "/ready")


def worker(settings: Settings) -> Finding:
    """A worker has asked the pool for work in the last minute and a half."""
    from datetime import datetime

    from infra.stack.health import request
    from infra.stack.parts import POOL

    answer = request("POST", f"{settings.endpoint('prefect_url')}/work_pools/{POOL}/workers/filter", {})
    reports = [
        (one["name"], now() - datetime.fromisoformat(one["last_heartbeat_time"]))
        for one in json.loads(answer or b"[]")
    ]
    awake = [f"{name} ({age.total_seconds():.0f} s ago)" for name, age in reports if age.total_seconds() < 90]
    return Finding(
        "worker",
        bool(awake),
        ", ".join(awake) or f"nobody polls the pool `{POOL}`",
        "Run `leadloop up`; see logs/worker.log.",
    )


def deployments(settings: Settings) -> Finding:
    """Every deployment that ``prefect.yaml`` names is there."""
    import yaml

    from infra.stack.__main__ import ROOT
    from infra.stack.health import request

    file = ROOT / "prefect.yaml"
    wanted = {
        one["name"]
        for one in (yaml.safe_load(file.read_text()) if file.exists() else {}).get("deployments", [])
    }
    answer = request("POST", f"{settings.endpoint('prefect_url')}/deployments/filter", {})
    there = {one["name"] for one in json.loads(answer or b"[]")}
    missing = sorted(wanted - there)
    found = f"missing: {', '.join(missing)}" if missing else ", ".join(sorted(wanted)) or f"none in {file}"
    return Finding(
        "deployments", bool(wanted) and not missing, found, "Run `leadloop up`; see logs/deployments.log."
    )


def serving(settings: Settings) -> Finding:
    """Serving lives."""
    return _answers("serving", settings.endpoint("serving_url"), "/health/live")


def _answers(name: str, url: str, path: str) -> Finding:
    from infra.stack.health import request

    good = request("GET", f"{url}{path}") is not None
    return Finding(
        name, good, url if good else f"{url} does not answer", f"Run `leadloop up`; see logs/{name}.log."
    )


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    python, packages, home, disk, keys, database, ledger, mlflow, prefect, worker, deployments, serving,
)  # fmt: skip

"""Part of the deployments' step: the schedules of the user's own models are in Prefect.

``prefect.yaml`` holds those of the platform's own models. A model file brings its schedule with it; it is
added to the deployment ``retrain`` here, changed with the file, and taken away with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from estate.catalog import load_catalog
from estate.core.model_spec import ModelSpec
from estate.core.settings import load_settings
from infra.stack.health import request

DEPLOYMENT = "retrain/retrain"
PREFIX = "model-"
"""Of the slugs of schedules that are looked after here; others belong to ``prefect.yaml`` or to people."""


def synchronise(api: str, root: Path) -> None:
    """Make Prefect's schedules those of the model files; says what was done."""
    catalog = load_catalog(load_settings())
    for problem in catalog.problems():
        print(f"not scheduled: {problem}")  # noqa: T201 - this is the step's log
    found = request("GET", f"{api}/deployments/name/{DEPLOYMENT}")
    if found is None:
        print(f"no deployment {DEPLOYMENT}: nothing to schedule")  # noqa: T201
        return
    deployment = json.loads(found)
    wanted = wanted_schedules(catalog.specs(), named_in(root / "prefect.yaml"))
    present = {one["slug"]: one for one in deployment["schedules"] if (one["slug"] or "").startswith(PREFIX)}
    address = f"{api}/deployments/{deployment['id']}/schedules"
    for slug in present.keys() - wanted.keys():
        _do("DELETE", f"{address}/{present[slug]['id']}", None, f"{slug}: removed")
    for slug, schedule in wanted.items():
        if slug not in present:
            _do("POST", address, [{**schedule, "slug": slug, "active": True}], f"{slug}: added")
        elif not _same(present[slug]["schedule"], schedule["schedule"]):
            # Whether it is paused stays as people left it.
            _do("PATCH", f"{address}/{present[slug]['id']}", schedule, f"{slug}: changed")


def wanted_schedules(specs: Iterable[ModelSpec], elsewhere: frozenset[str]) -> dict[str, dict[str, Any]]:
    """Return what Prefect should hold, by slug, for models whose schedule does not stand elsewhere."""
    return {
        f"{PREFIX}{spec.name.replace('_', '-')}": {
            "schedule": {"cron": spec.schedule.cron, "timezone": spec.schedule.timezone},
            "parameters": {"model": spec.name, "cause": "schedule"},
        }
        for spec in specs
        if spec.schedule is not None and spec.name not in elsewhere
    }


def named_in(file: Path) -> frozenset[str]:
    """Return the models whose training is scheduled in ``prefect.yaml``."""
    import yaml

    deployments = yaml.safe_load(file.read_text())["deployments"]
    (retrain,) = (one for one in deployments if one["name"] == "retrain")
    return frozenset(schedule["parameters"]["model"] for schedule in retrain["schedules"])


def _same(present: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(present.get(key) == value for key, value in wanted.items())


def _do(method: str, url: str, body: object, said: str) -> None:
    done = request(method, url, body) is not None
    print(said if done else f"{said}: Prefect refused it; is the cron line right? {body}")  # noqa: T201

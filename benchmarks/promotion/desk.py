"""A whole local stack of the benchmark's own, with two versions that passed their gates."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pandas as pd

from estate.core.errors import StackError
from estate.core.settings import Settings

MODEL = "flat_sale"
ROW: dict[str, object] = {"rooms": 4, "price_usd": 310_000.0}
_ROWS = 3000
_FIRST_AS_OF = "2024-03-31T00:00:00Z"
_MODEL_FILE = Path(__file__).with_name("flat_sale.py")


@dataclass(frozen=True)
class Desk:
    """What a person at the desk can reach.

    Parameters
    ----------
    home : Path
        Folder of the stack.
    mlflow_url, serving_url : str
    """

    home: Path
    mlflow_url: str
    serving_url: str

    @property
    def environment(self) -> dict[str, str]:
        """Variables for commands."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEADLOOP_", "PREFECT_"))}
        ports = {f"LEADLOOP_{part}_PORT": "0" for part in ("MLFLOW", "PREFECT", "SERVING")}
        return {
            **kept,
            **ports,
            "LEADLOOP_HOME": str(self.home),
            "LEADLOOP_MODELS": str(self.home / "models"),
        }

    @property
    def predict_url(self) -> str:
        """Where the model answers."""
        return f"{self.serving_url}/v1/models/{MODEL}/predict"

    def leadloop(self, *words: str) -> str:
        """Type a command; returns what it prints.

        Raises
        ------
        StackError
            If it fails.
        """
        ran = subprocess.run(
            [sys.executable, "-m", "infra.cli.main", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode:
            raise StackError(f"`leadloop {' '.join(words)}`", got=(ran.stdout + ran.stderr).strip()[-600:])
        return ran.stdout

    def move_alias(self, version: str) -> None:
        """Do what the UI does when a person saves the alias ``production``."""
        self._post("registered-models/alias", {"name": MODEL, "alias": "production", "version": version})

    def move_stage(self, version: str) -> None:
        """Do what the old UI does when a person moves a version to the stage Production."""
        body = {"name": MODEL, "version": version, "stage": "Production", "archive_existing_versions": False}
        self._post("model-versions/transition-stage", body)

    def shown(self) -> tuple[str, list[str]]:
        """Return the version under the alias, and those in stage Production."""
        site = f"{self.mlflow_url}/api/2.0/mlflow"
        found = httpx.get(f"{site}/registered-models/get", params={"name": MODEL}, trust_env=False).json()
        aliases = {a["alias"]: str(a["version"]) for a in found["registered_model"].get("aliases", [])}
        versions = httpx.get(
            f"{site}/model-versions/search", params={"filter": f"name='{MODEL}'"}, trust_env=False
        ).json()["model_versions"]
        staged = [str(v["version"]) for v in versions if v.get("current_stage") == "Production"]
        return aliases.get("production", ""), staged

    def _post(self, route: str, body: dict[str, object]) -> None:
        address = f"{self.mlflow_url}/ajax-api/2.0/mlflow/{route}"
        httpx.post(address, json=body, trust_env=False, timeout=30).raise_for_status()


@contextmanager
def desk() -> Iterator[Desk]:
    """Start a stack, train two versions, promote the first; stop and remove everything at the end."""
    folder = Path(tempfile.mkdtemp(prefix="leadloop-bench-promotion-"))
    made = Desk(folder, "", "")
    models = folder / "models"
    models.mkdir()
    shutil.copy(_MODEL_FILE, models / "flat_sale.py")
    _write_flats(models / "flats.csv")
    try:
        made.leadloop("up", "--detach")
        settings = Settings(_env_file=None, home=folder)
        made = Desk(folder, settings.endpoint("mlflow_url"), settings.endpoint("serving_url"))
        # Both before anything is in production: each is judged against the constant, and both pass.
        made.leadloop("retrain", MODEL, "--as-of", _FIRST_AS_OF)
        made.leadloop("retrain", MODEL)
        made.leadloop("promote", MODEL, "1", "--reason", "the benchmark begins with it")
        yield made
    finally:
        made.leadloop("down")
        shutil.rmtree(folder, ignore_errors=True)


def _write_flats(path: Path) -> None:
    random = np.random.default_rng(0)
    rooms = random.integers(1, 7, _ROWS).astype(float)
    price = random.lognormal(12.5, 0.4, _ROWS)
    chance = 1 / (1 + np.exp(-(0.8 * (rooms - 3.5) - 1.5 * np.log(price / 270_000))))
    pd.DataFrame(
        {
            "flat_id": [f"f{i:05d}" for i in range(_ROWS)],
            "listed_at": pd.date_range("2024-01-01", periods=_ROWS, freq="h", tz="UTC").astype(str),
            "rooms": rooms,
            "price_usd": price.round(2),
            "sold": (random.random(_ROWS) < chance).astype(int),
        }
    ).to_csv(path, index=False)

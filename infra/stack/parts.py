"""The list of parts. Adding one is adding an entry here."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.stack import database_urls, postgres
from infra.stack.addresses import Addresses
from infra.stack.health import Alive, Answers, Finished, Polls, Succeeds
from infra.stack.part import Part

POOL = "leadloop"
WORKER = "local"


def list_parts(addresses: Addresses, *, home: Path, host: str) -> tuple[Part, ...]:
    """Return the parts of the stack in the order in which they are shown."""
    return (
        *((_postgres(addresses, home, host),) if "postgres" in addresses.ports else ()),
        _databases(addresses),
        _step("migrations", "infra.stack.migrate", needs=("databases",), env=_owner(addresses)),
        _mlflow(addresses, home, host),
        _prefect(addresses, home, host),
        _worker(addresses),
        _step("deployments", "infra.stack.deploy", needs=("worker", "migrations")),
        _python("reconciler", "model_registry.reconciler", health=Alive(5.0), needs=("mlflow", "migrations")),
        _serving(addresses, host),
        *((_evidently(addresses, home, host),) if "evidently" in addresses.ports else ()),
    )


def _python(name: str, module: str, *arguments: str, **rest: object) -> Part:
    command = (sys.executable, "-m", module, *arguments)
    return Part(name=name, command=command, **rest)  # type: ignore[arg-type]


def _step(name: str, module: str, *, needs: tuple[str, ...], env: Mapping[str, str] | None = None) -> Part:
    return _python(name, module, health=Finished(), needs=needs, env=env or {})


def _owner(addresses: Addresses) -> Mapping[str, str]:
    return {"LEADLOOP_OWNER_DATABASE_URL": database_urls.psycopg(addresses.owner_database_url)}


def _postgres(addresses: Addresses, home: Path, host: str) -> Part:
    port = addresses.ports["postgres"]
    return Part(
        name="postgres",
        command=postgres.server_command(home, host, port),
        health=Succeeds((postgres.program("pg_isready"), "-q", "-h", host, "-p", str(port))),
        address=database_urls.without_password(addresses.database_url),
        unprivileged=True,
        stop_signal=signal.SIGINT,  # fast: ends connections, writes everything, goes
        death_signal=signal.SIGQUIT,  # at once, its own children too; the next start replays the log
        stop_s=20.0,
    )


def _databases(addresses: Addresses) -> Part:
    needs = ("postgres",) if "postgres" in addresses.ports else ()
    wanted = {
        "LEADLOOP_DATABASE_URL": addresses.owner_database_url,
        **(
            {"LEADLOOP_MLFLOW_DATABASE_URL": addresses.mlflow_database_url}
            if "mlflow" in addresses.ports
            else {}
        ),
        **(
            {"LEADLOOP_PREFECT_DATABASE_URL": addresses.prefect_database_url}
            if "prefect" in addresses.ports
            else {}
        ),
    }
    return _python("databases", "infra.stack.databases", health=Finished(), needs=needs, env=wanted)


def _mlflow(addresses: Addresses, home: Path, host: str) -> Part:
    """Return MLflow's server, started as ``mlflow server`` itself starts it.

    That command imports all of MLflow, prepares the environment below, and starts uvicorn, which imports
    all of MLflow again: 4 s and 200 MB more for one worker. The names are MLflow's own
    (``mlflow.server.constants``), a test compares them.
    """
    ready = Answers(
        f"{addresses.mlflow_url}/api/2.0/mlflow/experiments/search?max_results=1"
    )  # asks the database
    if "mlflow" not in addresses.ports:
        return Part(
            name="mlflow",
            command=(),
            health=Answers(f"{addresses.mlflow_url}/health"),
            address=addresses.mlflow_url,
        )
    port = addresses.ports["mlflow"]
    store = database_urls.psycopg(addresses.mlflow_database_url)
    env = {
        "_MLFLOW_SERVER_FILE_STORE": store,
        "_MLFLOW_SERVER_REGISTRY_STORE": store,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(home / "artifacts"),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(
            f"{name}{end}" for name in _names(host) for end in ("", ":*")
        ),
    }
    arguments = ("--host", host, "--port", str(port), "--no-access-log", "mlflow.server.fastapi_app:app")
    return _python(
        "mlflow",
        "uvicorn",
        *arguments,
        health=ready,
        address=addresses.mlflow_url,
        needs=("databases",),
        env=env,
    )


def _names(host: str) -> list[str]:
    return list(dict.fromkeys(("localhost", "127.0.0.1", host)))


def _prefect(addresses: Addresses, home: Path, host: str) -> Part:
    ready = Answers(f"{addresses.prefect_url}/ready")
    if "prefect" not in addresses.ports:
        return Part(name="prefect", command=(), health=ready, address=addresses.prefect_url)
    env = {
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": database_urls.asyncpg(addresses.prefect_database_url),
        "PREFECT_SERVER_UI_API_URL": addresses.prefect_url,
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_UI_STATIC_DIRECTORY": str(home / "prefect" / "ui"),
    }
    arguments = ("server", "start", "--host", host, "--port", str(addresses.ports["prefect"]))
    return _python(
        "prefect",
        "prefect",
        *arguments,
        health=ready,
        address=addresses.prefect_url,
        needs=("databases",),
        env=env,
    )


def _worker(addresses: Addresses) -> Part:
    # Asks every second: the default of 10 s is most of the wait of a short flow. A limit, since runs that
    # came late would all start together; above the number of cores, since a run may wait for another one.
    env = {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_WORKER_PREFETCH_SECONDS": "2"}
    limit = str(max(4, os.cpu_count() or 1))
    arguments = ("worker", "start", "--pool", POOL, "--type", "process", "--name", WORKER, "--limit", limit)
    health = Polls(addresses.prefect_url, POOL, WORKER)
    return _python("worker", "prefect", *arguments, health=health, needs=("prefect",), env=env)


def _serving(addresses: Addresses, host: str) -> Part:
    arguments = ("--host", host, "--port", str(addresses.ports["serving"]))
    ready = Answers(f"{addresses.serving_url}/health/live")
    return _python(
        "serving", "serving", *arguments, health=ready, address=addresses.serving_url, needs=("migrations",)
    )


def _evidently(addresses: Addresses, home: Path, host: str) -> Part:
    """Return Evidently's own dashboard, over the reports that the watch adds to its workspace."""
    port = str(addresses.ports["evidently"])
    address = f"http://{host}:{port}"
    arguments = ("ui", "--host", host, "--port", port, "--workspace", str(home / "evidently"))
    ready = Answers(f"{address}/api/version")
    return _python("evidently", "evidently.cli", *arguments, health=ready, address=address)

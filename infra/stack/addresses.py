"""Where everything answers, decided before anything starts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from estate.core.errors import SettingsError
from estate.core.settings import ENDPOINTS_FILE, Settings
from infra.stack import database_urls, postgres
from infra.stack.ports import choose_ports
from infra.stack.status import write_private

OWN_PORTS = ("postgres", "mlflow", "prefect", "serving")


@dataclass(frozen=True, kw_only=True)
class Addresses:
    """Addresses of one stack.

    Parameters
    ----------
    database_url, mlflow_database_url, prefect_database_url : str
        ``postgresql://…``; hold passwords, never shown.
    owner_database_url : str
        Leadloop's database as the owner of its tables: for migrations. The same as ``database_url`` where
        only one user was given.
    mlflow_url, prefect_url, serving_url : str
        HTTP addresses for clients; Prefect's ends in ``/api``.
    ports : dict
        Ports of the parts that this stack runs itself. A part without a port here is run by somebody else.
    notes : tuple of str
        What a person should know about the choice.
    """

    database_url: str
    owner_database_url: str
    mlflow_database_url: str
    prefect_database_url: str
    mlflow_url: str
    prefect_url: str
    serving_url: str
    ports: dict[str, int]
    notes: tuple[str, ...]


def decide_addresses(settings: Settings, home: Path) -> Addresses:
    """Take what the settings name, choose the rest, remember it.

    Raises
    ------
    SettingsError
        If a database address is none of Postgres, or Prefect's does not end in ``/api``.
    """
    elsewhere = {
        "postgres": settings.database_url,
        "mlflow": settings.mlflow_url,
        "prefect": settings.prefect_url,
    }
    own = [part for part in OWN_PORTS if not elsewhere.get(part)]
    if settings.evidently_port is not None:  # nobody needs it, so it runs only where somebody asks
        own.append("evidently")
    chosen = choose_ports(home, settings.host, {part: getattr(settings, f"{part}_port") for part in own})
    host = _client_host(settings.host)
    base = {part: f"http://{host}:{port}" for part, port in chosen.by_part.items()}
    if "postgres" in base:
        network = f"{host}:{chosen.by_part['postgres']}/leadloop"
        owner = f"postgresql://{postgres.USER}:{postgres.password(home)}@{network}"
        database = f"postgresql://{postgres.PARTS_USER}:{postgres.password(home, 'postgres_parts')}@{network}"
    else:
        database = database_urls.libpq(_secret(settings.database_url))
        owner = database_urls.libpq(_secret(settings.owner_database_url or settings.database_url))
    return Addresses(
        database_url=database,
        owner_database_url=owner,
        mlflow_database_url=_beside(settings.mlflow_database_url, owner, "mlflow"),
        prefect_database_url=_beside(settings.prefect_database_url, owner, "prefect"),
        mlflow_url=(settings.mlflow_url or base["mlflow"]).rstrip("/"),
        prefect_url=_api(settings.prefect_url) if settings.prefect_url else f"{base['prefect']}/api",
        serving_url=base["serving"],
        ports=dict(chosen.by_part),
        notes=chosen.notes,
    )


def write_endpoints(addresses: Addresses, home: Path) -> None:
    """Write ``<home>/endpoints.json``, which settings read; private, since it holds a password."""
    names = ("mlflow_url", "prefect_url", "serving_url")
    found = {name: getattr(addresses, name) for name in names}
    found["database_url"] = database_urls.psycopg(addresses.database_url)
    write_private(home / ENDPOINTS_FILE, json.dumps(found, indent=1))


def _beside(given: SecretStr | None, database: str, name: str) -> str:
    return database_urls.libpq(_secret(given)) if given else database_urls.beside(database, name)


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value else ""


def _api(url: str) -> str:
    if not url.rstrip("/").endswith("/api"):
        raise SettingsError(
            "setting LEADLOOP_PREFECT_URL", expected="Prefect's API, an address that ends in /api", got=url,
            todo=f"Perhaps {url.rstrip('/')}/api.",
        )  # fmt: skip
    return url.rstrip("/")


def _client_host(host: str) -> str:
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host

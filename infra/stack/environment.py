"""The environment that all parts share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from estate.core.settings import Settings
from infra.stack import database_urls
from infra.stack.addresses import Addresses

# No tool may send anything anywhere: what runs here is CRM data.
PRIVATE = {
    "DO_NOT_TRACK": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}

# Set by shells and test runners for themselves; with them every start would compile everything again,
# import other code than this environment's, or talk to another Prefect.
FOREIGN = (
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PREFECT_PROFILE",
    "MLFLOW_RUN_ID",
)

# The owner of the tables is the migrations' business alone.
OWNERS = ("LEADLOOP_OWNER_DATABASE_URL",)

# Settings of serving and the watch that a `.env` may hold beside which the stack was started: its parts run
# elsewhere.
OF_PARTS = (
    "serving_max_",
    "serving_rate",
    "serving_slow_",
    "serving_journal_",
    "cache_",
    "redis_",
    "metrics_",
    "tracing_",
    "alert_",
    "reports_",
    "evidently_",
)


def shared_environment(settings: Settings, addresses: Addresses, home: Path) -> Mapping[str, str]:
    """Return every part's environment: absolute paths, addresses, no telemetry, loopback without proxy."""
    kept = {key: value for key, value in os.environ.items() if key not in (*FOREIGN, *OWNERS)}
    no_proxy = ",".join(
        filter(None, [kept.get("NO_PROXY") or kept.get("no_proxy"), "127.0.0.1,localhost,::1"])
    )
    models = ":".join(str(path.resolve()) for path in settings.models)
    keys = settings.signing_keys
    return {
        **kept,
        **PRIVATE,
        **_of_parts(settings),
        **({"LEADLOOP_SIGNING_KEYS": str(keys.resolve())} if keys else {}),
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        "PYTHONUNBUFFERED": "1",
        "LEADLOOP_HOME": str(home),
        "LEADLOOP_MODELS": models,
        "LEADLOOP_LOG_LEVEL": settings.log_level,
        "LEADLOOP_LOG_FORMAT": settings.log_format,
        "LEADLOOP_DATABASE_URL": database_urls.psycopg(addresses.database_url),
        "LEADLOOP_MLFLOW_URL": addresses.mlflow_url,
        "LEADLOOP_PREFECT_URL": addresses.prefect_url,
        "LEADLOOP_SERVING_URL": addresses.serving_url,
        "MLFLOW_TRACKING_URI": addresses.mlflow_url,
        "PREFECT_API_URL": addresses.prefect_url,
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_CLI_PROMPT": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    }


def _of_parts(settings: Settings) -> Mapping[str, str]:
    """Return what was set of serving and the watch, as variables."""
    given = {name: getattr(settings, name) for name in sorted(settings.model_fields_set)}
    return {
        f"LEADLOOP_{name.upper()}": _text(value)
        for name, value in given.items()
        if name.startswith(OF_PARTS) and value is not None
    }


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

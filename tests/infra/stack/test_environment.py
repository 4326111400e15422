from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from estate.core.settings import Settings
from infra.stack.addresses import Addresses
from infra.stack.environment import shared_environment


def environment(tmp_path: Path, **given: object) -> dict[str, str]:
    database = "postgresql://desk@127.0.0.1/leadloop"
    addresses = Addresses(
        database_url=database,
        owner_database_url=database,
        mlflow_database_url=database,
        prefect_database_url=database,
        mlflow_url="http://127.0.0.1:1",
        prefect_url="http://127.0.0.1:2/api",
        serving_url="http://127.0.0.1:3",
        ports={},
        notes=(),
    )
    settings = Settings(_env_file=None, **given)  # type: ignore[arg-type]
    return dict(shared_environment(settings, addresses, tmp_path))


def test_what_was_set_of_serving_reaches_its_process(tmp_path: Path) -> None:
    made = environment(
        tmp_path,
        serving_rate=5.5,
        serving_max_rows=10,
        metrics_open=False,
        tracing_url="http://collector:4318",
        redis_url=SecretStr("redis://:hunter2@cache/0"),
    )
    given: dict[str, Any] = {
        name.removeprefix("LEADLOOP_").lower(): value for name, value in made.items() if "LEADLOOP" in name
    }
    read = Settings(_env_file=None, **given)
    assert (read.serving_rate, read.serving_max_rows, read.metrics_open) == (5.5, 10, False)
    assert read.tracing_url == "http://collector:4318"
    assert read.redis_url is not None
    assert read.redis_url.get_secret_value() == "redis://:hunter2@cache/0"


def test_what_was_not_set_is_left_to_its_default(tmp_path: Path) -> None:
    assert not any("SERVING_MAX" in name or "TRACING" in name for name in environment(tmp_path))

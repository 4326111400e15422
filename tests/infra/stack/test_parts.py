from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from estate.core.errors import SettingsError
from estate.core.settings import Settings
from infra.stack.addresses import Addresses, decide_addresses, write_endpoints
from infra.stack.environment import shared_environment
from infra.stack.parts import list_parts

PASSWORD = "hunter2"


def settings(home: Path, **given: object) -> Settings:
    return Settings(_env_file=None, home=home, **given)  # type: ignore[arg-type]


@pytest.fixture
def addresses(tmp_path: Path) -> Addresses:
    return decide_addresses(settings(tmp_path), tmp_path)


def test_names_are_unique_and_needs_exist(addresses: Addresses, tmp_path: Path) -> None:
    parts = list_parts(addresses, home=tmp_path, host="127.0.0.1")
    names = [part.name for part in parts]
    assert len(set(names)) == len(names)
    assert {need for part in parts for need in part.needs} <= set(names)


def test_no_password_is_in_a_command_or_an_address(tmp_path: Path) -> None:
    given = settings(tmp_path, database_url=SecretStr(f"postgresql://desk:{PASSWORD}@db:5432/leadloop"))
    parts = list_parts(decide_addresses(given, tmp_path), home=tmp_path, host="127.0.0.1")
    assert not any(PASSWORD in word for part in parts for word in (*part.command, part.address))
    assert PASSWORD in str(next(part for part in parts if part.name == "mlflow").env)


def test_a_given_database_means_no_embedded_one_and_databases_beside_it(tmp_path: Path) -> None:
    given = settings(tmp_path, database_url=SecretStr("postgres://desk@db/leadloop?sslmode=require"))
    addresses = decide_addresses(given, tmp_path)
    assert "postgres" not in addresses.ports
    assert addresses.database_url == "postgresql://desk@db/leadloop?sslmode=require"
    assert addresses.mlflow_database_url == "postgresql://desk@db/mlflow?sslmode=require"
    parts = {part.name: part for part in list_parts(addresses, home=tmp_path, host="127.0.0.1")}
    assert "postgres" not in parts
    assert (
        parts["prefect"].env["PREFECT_SERVER_DATABASE_CONNECTION_URL"]
        == "postgresql+asyncpg://desk@db/prefect?ssl=require"
    )


def test_the_parts_work_as_another_user_than_the_owner_whom_only_the_migrations_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = f"owner:{PASSWORD}@db/leadloop"
    monkeypatch.setenv("LEADLOOP_OWNER_DATABASE_URL", f"postgresql://{owner}")
    given = settings(tmp_path, database_url=SecretStr("postgresql://desk:word@db/leadloop"))
    addresses = decide_addresses(given, tmp_path)
    assert addresses.mlflow_database_url == f"postgresql://owner:{PASSWORD}@db/mlflow"
    shared = str(shared_environment(given, addresses, tmp_path))
    assert "postgresql+psycopg://desk:word@db/leadloop" in shared
    assert PASSWORD not in shared
    parts = {part.name: part for part in list_parts(addresses, home=tmp_path, host="127.0.0.1")}
    assert [name for name, part in parts.items() if owner in str(part.env)] == ["databases", "migrations"]
    write_endpoints(addresses, tmp_path)
    assert PASSWORD not in (tmp_path / "endpoints.json").read_text()


def test_the_embedded_database_has_two_users_with_passwords_of_their_own(
    addresses: Addresses, tmp_path: Path
) -> None:
    assert "//leadloop:" in addresses.owner_database_url
    assert "//leadloop_parts:" in addresses.database_url
    words = [(tmp_path / "secrets" / name).read_text() for name in ("postgres", "postgres_parts")]
    assert words[0] != words[1]
    assert words[0] not in str(shared_environment(settings(tmp_path), addresses, tmp_path))


def test_given_servers_are_watched_and_not_started(tmp_path: Path) -> None:
    given = settings(tmp_path, mlflow_url="http://ml:5000/", prefect_url="http://pre:4200/api")
    parts = {
        part.name: part
        for part in list_parts(decide_addresses(given, tmp_path), home=tmp_path, host="127.0.0.1")
    }
    assert parts["mlflow"].external
    assert parts["prefect"].external
    assert parts["mlflow"].address == "http://ml:5000"
    assert set(parts["databases"].env) == {"LEADLOOP_DATABASE_URL"}


def test_a_prefect_address_without_api_is_refused_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"ends in /api, got http://pre:4200. Perhaps http://pre:4200/api\."
    ):
        decide_addresses(settings(tmp_path, prefect_url="http://pre:4200"), tmp_path)


def test_the_names_by_which_mlflow_is_configured_are_those_that_it_reads(
    addresses: Addresses, tmp_path: Path
) -> None:
    from mlflow.environment_variables import MLFLOW_SERVER_ALLOWED_HOSTS, MLFLOW_SERVER_ENABLE_JOB_EXECUTION
    from mlflow.server import constants

    mlflow = next(
        part for part in list_parts(addresses, home=tmp_path, host="127.0.0.1") if part.name == "mlflow"
    )
    assert set(mlflow.env) == {
        constants.BACKEND_STORE_URI_ENV_VAR,
        constants.REGISTRY_STORE_URI_ENV_VAR,
        constants.ARTIFACT_ROOT_ENV_VAR,
        constants.SERVE_ARTIFACTS_ENV_VAR,
        constants.ARTIFACTS_DESTINATION_ENV_VAR,
        MLFLOW_SERVER_ALLOWED_HOSTS.name,
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION.name,
    }

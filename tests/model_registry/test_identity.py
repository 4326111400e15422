"""Who acts: the command line's name, or the one that MLflow has checked."""

from __future__ import annotations

import importlib.util
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from estate.core.errors import RegistryError
from estate.core.settings import Settings
from model_registry.identity import person, who_am_i

PASSWORD = "correct horse battery"


def login(monkeypatch: pytest.MonkeyPatch, name: str, password: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", name)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)


def test_the_setting_comes_before_the_systems_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "root-of-it-all")
    assert who_am_i(Settings(_env_file=None, user="alice")) == "alice (command line)"
    assert who_am_i(Settings(_env_file=None)) == "root-of-it-all (command line)"


def test_an_mlflow_that_does_not_answer_checks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    login(monkeypatch, "alice", PASSWORD)
    away = Settings(_env_file=None, user="bob", mlflow_url="http://127.0.0.1:9")
    assert who_am_i(away) == "bob (command line)"
    assert who_am_i(away.model_copy(update={"mlflow_url": "sqlite:///mlflow.db"})) == "bob (command line)"


@pytest.mark.parametrize(
    ("who", "name"),
    [
        ("ann", "ann"),
        ("Ann Lee (command line)", "ann lee"),
        ("unknown (command line)", None),
        ("unknown", None),
        ("schedule", None),
        ("rollout: started by ann", None),
        ("", None),
    ],
)
def test_who_is_a_known_person(who: str, name: str | None) -> None:
    assert person(who) == name


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a real MLflow server with basic auth; its users lie in a SQLite file."""
    if importlib.util.find_spec("flask_wtf") is None:
        pytest.skip("MLflow's basic auth needs the package flask-wtf, which is not installed")
    home = tmp_path_factory.mktemp("guarded")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    config = home / "auth.ini"
    config.write_text(
        "[mlflow]\ndefault_permission = READ\n"
        f"database_uri = sqlite:///{home / 'users.db'}\nadmin_username = alice\n"
        f"admin_password = {PASSWORD}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    environment = {
        **os.environ,
        "MLFLOW_AUTH_CONFIG_PATH": str(config),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
    }
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth", "--workers", "1"]
    command += ["--port", str(port), "--backend-store-uri", f"sqlite:///{home / 'mlflow.db'}"]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(f"http://127.0.0.1:{port}/health", server, home / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while True:
        assert server.poll() is None, log.read_text()[-2000:]
        try:
            urlopen(url, timeout=1).close()
        except (URLError, OSError):
            assert time.monotonic() < end, log.read_text()[-2000:]
            time.sleep(0.3)
        else:
            return


@pytest.mark.thorough
def test_mlflow_has_checked_the_name(guarded: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(_env_file=None, user="mallory", mlflow_url=guarded)
    login(monkeypatch, "alice", PASSWORD)
    assert who_am_i(settings) == "alice (MLflow login)"
    login(monkeypatch, "alice", "a guess")
    with pytest.raises(RegistryError, match=r"login `alice` of MLflow .* got HTTP 401") as refused:
        who_am_i(settings)
    assert "a guess" not in str(refused.value)

"""``python -m serving`` as its own process: what it imports, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from estate.store.predictions import read_recent
from tests.serving.shop import ROW, Shop, wait_for

HEAVY = (
    "prefect",
    "evidently",
    "river",
    "mlflow",
    "sklearn",
    "xgboost",
    "pandas",
    "matplotlib",
    "scipy",
    "onnx",
)
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("serving.app, serving.process, serving.__main__", HEAVY),
        ("serving.batch, serving.production, infra.cli.scoring", (*HEAVY, "starlette", "uvicorn", "fastapi")),
    ],
)
def test_nothing_heavy_is_imported_at_the_start(module: str, forbidden: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(sorted(set({forbidden!r}) & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout.strip() == "[]"


def test_taking_models_up_and_answering_imports_nothing_heavy(shop: Shop) -> None:
    code = f"""
import sys
from estate.core.settings import load_settings
from serving.asking import about_rows
from serving.lanes.question import Terms
from serving.scoring import score
from serving.process import make_process
from serving.schema import PredictRequest
process = make_process(load_settings(), fetch=None)
for name in process.models.specs.names():
    process.loader.take_up(process.models.specs.get(name))
process.follower.look()
request = PredictRequest(rows=[{ROW!r}])
question = about_rows(process.models.known("sale"), request.rows, Terms())
score(question.served, question.answering, question.features(), question.entities)
print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=environment(shop),
    )
    assert ran.stdout.strip() == "[]"


def test_sigterm_keeps_every_answer_and_ends_well(shop: Shop) -> None:
    with started(shop) as (process, url):
        ids = [
            httpx.post(f"{url}/v1/models/sale/predict", json={"rows": [ROW]}).json()["predictions"][0]["id"]
            for _ in range(20)
        ]
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    assert process.returncode in (0, -signal.SIGTERM), errors
    assert "Traceback" not in errors
    with shop.database.begin() as connection:
        assert sorted(row.prediction_id for row in read_recent(connection, "sale")) == sorted(ids)


def test_a_wrong_setting_is_one_sentence(shop: Shop) -> None:
    wrong = environment(shop) | {"LEADLOOP_LOG_LEVEL": "LOUD"}
    ran = subprocess.run(
        [sys.executable, "-m", "serving"], capture_output=True, text=True, check=False, cwd=ROOT, env=wrong
    )
    assert ran.returncode == 1
    assert "LEADLOOP_LOG_LEVEL" in ran.stderr
    assert "Traceback" not in ran.stderr


@contextmanager
def started(shop: Shop) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "serving", "--port", str(port)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment(shop)
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: is_up(url), seconds=30)
        yield process, url
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live").status_code == 200
    except httpx.TransportError:
        return False


def environment(shop: Shop) -> dict[str, str]:
    return os.environ | {
        "LEADLOOP_HOME": str(shop.settings.home),
        "LEADLOOP_DATABASE_URL": shop.database.url,
        "LEADLOOP_MODELS": str(shop.folder / "models"),
    }

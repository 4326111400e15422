"""Things that go wrong while somebody promotes, on a whole running stack.

Each test makes its fault really happen and says so, then sees that one decision stands in the ledger, that
alias, stage and serving show it, and that nobody who asked for a score was turned away.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from infra.stack import PartStatus, read_status
from infra.stack.database_urls import libpq
from tests.asking import Asking
from tests.conftest import owner_url
from tests.desk import MODEL, Desk

pytestmark = [pytest.mark.thorough, pytest.mark.stack, pytest.mark.timeout(600)]

RECOVERY_SECONDS = 120.0
FLIPS = 20


def part(desk: Desk, name: str) -> PartStatus:
    return read_status(desk.settings.home).part(name)


@contextmanager
def killed(desk: Desk, name: str) -> Iterator[None]:
    """Kill a part of the stack; at the end it has been restarted and all is healthy."""
    before = part(desk, name)
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)
    yield
    desk.wait(
        lambda: part(desk, name).restarts > before.restarts and read_status(desk.settings.home).good,
        seconds=RECOVERY_SECONDS,
    )
    assert part(desk, name).pid != before.pid


@contextmanager
def kept_down(desk: Desk, name: str) -> Iterator[None]:
    """Kill a part as often as it is restarted; at the end it has come back and all is healthy."""
    over, kills = threading.Event(), 0

    def kill() -> None:
        nonlocal kills
        last = None
        while not over.wait(0.05):
            pid = part(desk, name).pid
            if pid and pid != last:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    last, kills = pid, kills + 1

    killing = threading.Thread(target=kill)
    killing.start()
    try:
        desk.wait(lambda: kills > 0, seconds=RECOVERY_SECONDS)
        yield
    finally:
        over.set()
        killing.join()

    def back() -> bool:
        pid = part(desk, name).pid
        return bool(pid) and psutil.pid_exists(pid or 0) and read_status(desk.settings.home).good

    desk.wait(back, seconds=RECOVERY_SECONDS)


def nobody_was_turned_away(client: Asking, *versions: str) -> None:
    assert len(client.told) > 20
    assert set(client.versions) <= set(versions), client.versions


def one_promotion(desk: Desk, rows_before: int, version: str) -> None:
    (entry,) = desk.history()[rows_before:]
    assert (entry.decision, entry.to_version) == ("promoted", version)
    desk.wait(lambda: desk.shown() == (version, [version]), seconds=RECOVERY_SECONDS)
    desk.wait(lambda: desk.served()["version"] == version, seconds=RECOVERY_SECONDS)


@pytest.mark.parametrize("name", ["mlflow", "reconciler", "postgres", "serving"])
def test_a_part_killed_during_a_promotion(from_first: Desk, name: str) -> None:
    desk, rows = from_first, len(from_first.history())
    client = desk.asking()
    with client if name != "serving" else _nobody():
        desk.registry.client.set_registered_model_alias(MODEL, "production", "2")
        with killed(desk, name):
            pass
        desk.wait(lambda: len(desk.history()) > rows, seconds=RECOVERY_SECONDS)
        one_promotion(desk, rows, "2")
    if name != "serving":
        nobody_was_turned_away(client, "1", "2")


def test_a_command_that_finds_no_registry_changes_nothing(from_first: Desk) -> None:
    desk, rows = from_first, len(from_first.history())
    # A command takes as long to start as MLflow takes to come back.
    with kept_down(desk, "mlflow"), pytest.raises(AssertionError, match="model registry"):
        desk.leadloop("promote", MODEL, "2", "--reason", "while it is away")
    assert len(desk.history()) == rows
    assert desk.served()["version"] == "1"


def test_a_rollback_needs_no_registry(from_first: Desk) -> None:
    desk = from_first
    desk.in_production("2")
    rows = len(desk.history())
    with desk.asking() as client, killed(desk, "mlflow"):
        began = time.monotonic()
        desk.leadloop("rollback", MODEL, "--reason", "it scores nonsense")
        client.seconds_until("1", began, most=10)
        assert part(desk, "mlflow").state != "healthy"  # it was really away all that time
    (entry,) = desk.history()[rows:]
    assert (entry.decision, entry.from_version, entry.to_version) == ("rolled_back", "2", "1")
    desk.wait(lambda: desk.shown() == ("1", ["1"]), seconds=RECOVERY_SECONDS)
    nobody_was_turned_away(client, "1", "2")


def test_an_alias_flipped_under_load_turns_nobody_away(from_first: Desk) -> None:
    desk, rows = from_first, len(from_first.history())
    clients = [desk.asking() for _ in range(4)]
    for client in clients:
        client.__enter__()
    try:
        for i in range(FLIPS):
            desk.registry.client.set_registered_model_alias(MODEL, "production", "21"[i % 2])
            wanted = "21"[i % 2]
            desk.wait(lambda wanted=wanted: desk.served()["version"] == wanted)  # type: ignore[misc]
    finally:
        for client in clients:
            client.__exit__(None, None, None)
    assert [entry.to_version for entry in desk.history()[rows:]] == ["2", "1"] * (FLIPS // 2)
    for client in clients:
        nobody_was_turned_away(client, "1", "2")


class Poison:
    """A pickle of it writes a file when it is loaded."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.canary}",)


def test_a_poisoned_pickle_is_refused_and_never_loaded(from_first: Desk, tmp_path: Path) -> None:
    canary = tmp_path / "executed"
    poison = pickle.dumps(Poison(canary))
    pickle.loads(poison)
    assert canary.exists()  # it is poisonous
    canary.unlink()
    with changed(from_first, "bundle/model.onnx", poison) as folder:
        mlmodel = folder / "MLmodel"
        whole = mlmodel.read_text()
        (folder / "python_model.pkl").write_bytes(poison)
        mlmodel.write_text(whole.replace("loader_module: score_frame", "loader_module: mlflow.sklearn"))
        try:
            refused(from_first, "changed")
        finally:
            mlmodel.write_text(whole)
            (folder / "python_model.pkl").unlink()
    assert not canary.exists()


@pytest.mark.parametrize("name", ["bundle/model.onnx", "bundle/features.json", "MLmodel"])
@pytest.mark.parametrize("damage", ["truncated", "bit flipped"])
def test_a_damaged_artifact_is_refused(from_first: Desk, name: str, damage: str) -> None:
    whole = (artifacts(from_first, "2") / name).read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    bad = whole[:middle] if damage == "truncated" else flipped
    assert bad != whole
    with changed(from_first, name, bad):
        refused(from_first, Path(name).name)


def test_evidence_forged_by_the_databases_owner_is_refused(from_first: Desk) -> None:
    """The document and everything beside it are rewritten to fit each other; only the signature can't be."""
    client = from_first.registry.client
    made = client.get_model_version(MODEL, "2")
    assert made.source
    forged = str(client.create_model_version(MODEL, made.source, run_id=made.run_id).version)
    with psycopg.connect(libpq(owner_url(from_first.settings)), autocommit=True) as owner:
        owner.execute(
            """
            WITH copied AS (
              SELECT model, bundle_digest, verdict, replace(document, '"rows":', '"rows":1') AS document,
                     key_id, signature, at
              FROM evidence WHERE model = %s AND version = '2'
            )
            INSERT INTO evidence
              (model, version, digest, bundle_digest, verdict, document, key_id, signature, at)
            SELECT model, %s, encode(sha256(convert_to(document, 'UTF8')), 'hex'), bundle_digest, verdict,
                   document, key_id, signature, at
            FROM copied
            """,
            (MODEL, forged),
        )
    refused(from_first, "changed after it was signed", version=forged)


def refused(desk: Desk, reason: str, *, version: str = "2") -> None:
    """Move the alias: it is put back with this reason, and version 1 answers all the time."""
    rows = len(desk.history())
    with desk.asking() as client:
        desk.registry.client.set_registered_model_alias(MODEL, "production", version)
        desk.wait(lambda: len(desk.history()) > rows, seconds=30)
        desk.wait(lambda: desk.shown() == ("1", ["1"]), seconds=30)
    (entry,) = desk.history()[rows:]
    assert (entry.decision, entry.to_version) == ("refused", version)
    assert reason in entry.why
    shown = desk.registry.client.get_model_version(MODEL, version)
    assert "Promotion refused" in (shown.description or "")
    assert client.versions == ["1"]


def artifacts(desk: Desk, version: str) -> Path:
    """Return the folder in the stack's artifact store that holds a version's MLflow model."""
    shown = desk.registry.client.get_model_version(MODEL, version)
    (folder,) = (desk.settings.home / "artifacts").glob(f"**/{shown.run_id}/artifacts/model")
    return folder


@contextmanager
def changed(desk: Desk, name: str, content: bytes) -> Iterator[Path]:
    """Put other content into a file of version 2 in the artifact store, for the length of the block."""
    folder = artifacts(desk, "2")
    path = folder / name
    whole = path.read_bytes()
    path.write_bytes(content)
    try:
        yield folder
    finally:
        path.write_bytes(whole)


@contextmanager
def _nobody() -> Iterator[None]:
    yield

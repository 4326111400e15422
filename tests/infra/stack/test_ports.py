from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stack.ports import CHOICE, choose_ports, is_free

HOST = "127.0.0.1"


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        yield server.getsockname()[1]


def test_the_preferred_port_is_taken_if_it_is_free(tmp_path: Path) -> None:
    free = next(port for port in CHOICE if is_free(HOST, port))
    assert choose_ports(tmp_path, HOST, {"mlflow": free}).by_part == {"mlflow": free}


def test_another_port_is_chosen_said_and_remembered(tmp_path: Path, taken: int) -> None:
    first = choose_ports(tmp_path, HOST, {"mlflow": taken})
    assert first.by_part["mlflow"] in CHOICE
    assert first.notes[0].startswith(f"Port {taken} is taken by another program: mlflow listens on ")
    assert choose_ports(tmp_path, HOST, {"mlflow": taken}).by_part == first.by_part


def test_a_remembered_port_that_somebody_took_is_replaced_and_said(tmp_path: Path, taken: int) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"prefect": [0, taken]}))
    again = choose_ports(tmp_path, HOST, {"prefect": 0})
    assert again.by_part["prefect"] != taken
    assert f"Port {taken} is taken" in again.notes[0]
    assert json.loads((tmp_path / "ports.json").read_text())["prefect"] == [0, again.by_part["prefect"]]


def test_a_new_preference_counts_more_than_memory(tmp_path: Path) -> None:
    old, new = [port for port in CHOICE[:200] if is_free(HOST, port)][:2]
    choose_ports(tmp_path, HOST, {"serving": old})
    assert choose_ports(tmp_path, HOST, {"serving": new}).by_part == {"serving": new}


def test_ports_that_browsers_refuse_are_not_used(tmp_path: Path) -> None:
    chosen = choose_ports(tmp_path, HOST, {"mlflow": 5060})
    assert chosen.by_part["mlflow"] != 5060
    assert "can't be opened by browsers" in chosen.notes[0]


def test_two_parts_never_get_one_port(tmp_path: Path) -> None:
    free = next(port for port in CHOICE if is_free(HOST, port))
    chosen = choose_ports(tmp_path, HOST, {"mlflow": free, "prefect": free})
    assert chosen.by_part["mlflow"] != chosen.by_part["prefect"]

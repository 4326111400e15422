"""Two people promote at the same moment: one wins, the other is told who was quicker."""

from __future__ import annotations

import multiprocessing
from contextlib import suppress
from multiprocessing.synchronize import Barrier

import pytest

from estate.core.errors import PromotionRefused
from estate.store import ledger
from estate.store.database import Database
from model_registry import Registry, present_standing, promote, reconcile_once
from tests.model_registry.conftest import MODEL, Registering, Shown, shown

ROUNDS = 6


def person(place: tuple[str, str, str], who: str, versions: list[str], gates: list[Barrier]) -> None:
    """Promote one version a round, in a process of its own, having looked before."""
    from pathlib import Path

    from estate.signing import KeyRing

    uri, home, url = place
    registry = Registry(uri, KeyRing(Path(home) / "signing.pem", Path(home) / "trusted"))
    database = Database(url)
    _ = registry.client
    for version, looked, done in zip(versions, gates[::2], gates[1::2], strict=True):
        seen = present_standing(database, MODEL)
        looked.wait(60)
        with suppress(PromotionRefused):
            promote(registry, database, MODEL, version, who=who, why=f"says {who}", expected=seen)
        done.wait(60)


@pytest.mark.thorough
def test_exactly_one_wins_and_the_other_is_told(
    registry: Registry, database: Database, made: Registering
) -> None:
    versions = [made(key) for key in ("k1", "k2", "k3", "k4")]
    context = multiprocessing.get_context("spawn")
    gates = [context.Barrier(2) for _ in range(2 * ROUNDS)]
    assert registry.keys is not None
    home = str(registry.keys.signing.parent)
    wanted = {
        "ann": [versions[2 * (i % 2)] for i in range(ROUNDS)],
        "bob": [versions[2 * (i % 2) + 1] for i in range(ROUNDS)],
    }
    people = [
        context.Process(target=person, args=((registry.uri, home, database.url), who, theirs, gates))
        for who, theirs in wanted.items()
    ]
    for process in people:
        process.start()
    for process in people:
        process.join(120)
    assert [process.exitcode for process in people] == [0, 0]
    with database.begin() as connection:
        ledger.verify(connection)
        history = ledger.history(connection, MODEL)
    assert len(history) == 2 * ROUNDS
    for i in range(ROUNDS):
        won, lost = history[2 * i : 2 * i + 2]
        assert (won.decision, lost.decision) == ("promoted", "refused")
        assert lost.who != won.who
        assert lost.why.startswith(f"{won.who} promoted version {won.to_version} at {won.at:%Y-%m-%d %H:%M}")
        assert (lost.to_version, won.to_version) == (wanted[lost.who][i], wanted[won.who][i])
    last = history[-2].to_version
    assert shown(registry) == Shown(last, [last])


def test_a_move_in_the_ui_was_quicker(registry: Registry, database: Database, made: Registering) -> None:
    promote(registry, database, MODEL, made("k1"), who="ann", why="first")
    made("k2"), made("k3")
    seen = present_standing(database, MODEL)
    registry.client.set_registered_model_alias(MODEL, "production", "2")
    with pytest.raises(PromotionRefused, match=r"unknown \(MLflow UI\) promoted version 2 at"):
        promote(registry, database, MODEL, "3", who="ann", why="mine", expected=seen)
    assert reconcile_once(registry, database) == []
    assert shown(registry) == Shown("2", ["2"])


def test_both_want_the_same_version_and_have_it(
    registry: Registry, database: Database, made: Registering
) -> None:
    version, seen = made("k1"), present_standing(database, MODEL)
    first = promote(registry, database, MODEL, version, who="ann", why="good", expected=seen)
    assert promote(registry, database, MODEL, version, who="bob", why="good", expected=seen) == first

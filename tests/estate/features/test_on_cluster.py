"""Features on a Dask cluster of two worker processes: the same bits, even when one of them dies."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from estate.core.errors import StoreError
from estate.core.feature_set import FeatureSet
from estate.core.frame import Numbers
from estate.core.model_spec import CrmSource
from estate.features.histories import Histories
from estate.features.many_leads import Turn, features_of_many
from estate.features.on_cluster import each_on_cluster
from estate.store.database import Database
from estate.store.facts import read_facts
from estate.training.extract import extract
from tests.estate.features.made_up import AS_OF, EVERY, same_bits

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as made:
            yield made


def leads_of(database: Database) -> tuple[Any, Any]:
    leads = read_facts(database, "leads", as_of=AS_OF)
    moments = leads["event_at"].to_numpy("datetime64[us]").astype(np.int64) + 20 * 86_400_000_000
    return leads["lead_id"].to_numpy(dtype=object), moments


def test_two_workers_compute_the_bits_of_threads(filled: Database, cluster: Any) -> None:
    ids, moments = leads_of(filled)
    here = features_of_many(filled, EVERY.features, ids, moments, as_of=AS_OF, leads_at_once=10)
    there = features_of_many(
        filled, EVERY.features, ids, moments, as_of=AS_OF, leads_at_once=10, cluster=cluster.scheduler_address
    )
    same_bits(here, there)


def test_a_training_set_is_the_same_by_one_setting(filled: Database, cluster: Any) -> None:
    assert isinstance(EVERY.source, CrmSource)
    here = extract(EVERY, filled, as_of=AS_OF)
    there = extract(EVERY, filled, as_of=AS_OF, cluster=cluster.scheduler_address)
    assert len(here) > 30
    assert here.fingerprint == there.fingerprint


def test_a_function_of_a_model_file_goes_to_workers_that_do_not_have_the_file(
    filled: Database, cluster: Any
) -> None:
    where: dict[str, Any] = {}
    text = "def twice(h):\n    return 2.0 * h.interactions.count(h.interactions.age >= 0)\n"
    exec(compile(text, "own.py", "exec"), {"__name__": "leadloop_model_own"}, where)
    twice: Callable[[Histories], Numbers] = where["twice"]
    ids, moments = leads_of(filled)
    options: dict[str, Any] = {"as_of": AS_OF, "leads_at_once": 40}
    features = FeatureSet(numbers=(twice,))
    here = features_of_many(filled, features, ids, moments, **options)
    same_bits(
        here,
        features_of_many(filled, features, ids, moments, cluster=cluster.scheduler_address, **options),
    )
    assert here["twice"].max() > 10


class _DiesOnce:
    """Kills its worker the first time that it comes to one number."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __call__(self, number: int) -> tuple[int, int]:
        if number == 3 and not self._marker.exists():
            self._marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number, os.getpid()


@pytest.mark.filterwarnings("ignore")
def test_a_worker_that_is_killed_has_its_share_done_by_another(cluster: Any, tmp_path: Path) -> None:
    marker = tmp_path / "died"
    made = dict(
        each_on_cluster(cluster.scheduler_address, _DiesOnce(marker), [(number,) for number in range(8)])
    )
    assert marker.exists()
    assert {number: square for number, (square, _) in made.items()} == {n: n * n for n in range(8)}


def test_a_scheduler_that_is_away_is_named(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    import estate.features.on_cluster

    monkeypatch.setattr(estate.features.on_cluster, "_WAIT_SECONDS", 1)
    ids, moments = leads_of(filled)
    with pytest.raises(StoreError, match=r"Dask scheduler tcp://127.0.0.1:9.*expected an answer"):
        features_of_many(filled, EVERY.features, ids, moments, as_of=AS_OF, cluster="tcp://127.0.0.1:9")


def test_the_databases_password_is_not_in_what_workers_may_log() -> None:
    database = Database("postgresql://ann:secret@nowhere/desk")
    assert "secret" not in repr(database)
    assert "secret" not in repr(Turn(database, EVERY.features, AS_OF, {}))

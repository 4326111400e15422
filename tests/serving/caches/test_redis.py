"""A real Redis between serving processes: shared, killed, frozen, poisoned."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import msgspec
import pytest

from estate.core.errors import SettingsError, StoreError
from serving.caches import Keys, RedisCache
from serving.caches.terms import Terms
from tests.serving.caches.desk import SPEC, Cached, Desk, budget, cached, calls_count, spec_of
from tests.serving.caches.redis_server import RedisServer, redis_server
from tests.serving.shop import wait_for

ONLY_REDIS = Terms(memory_seconds=0)


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    if shared_server.process is None:
        shared_server.start()
    with closing(shared_server.client) as client:
        client.flushall()
    return shared_server


@pytest.fixture
def replicas(server: RedisServer) -> Iterator[tuple[Cached, Cached]]:
    """Return the caches of two serving processes that share a Redis and a desk."""
    desk = Desk()
    one, two = (linked(server, desk) for _ in range(2))
    yield one, two
    one.cache.close()
    two.cache.close()


def linked(
    server: RedisServer,
    desk: Desk,
    *,
    secret: str = "secret",
    terms: Terms = ONLY_REDIS,
    answer_seconds: float = 5.0,
) -> Cached:
    made = cached(desk, redis_url=server.url, secret=secret, terms=terms, answer_seconds=answer_seconds)
    wait_linked(made)
    return made


def wait_linked(made: Cached) -> None:
    redis = made.redis
    assert redis is not None
    wait_for(lambda: redis.link.up)


def put(server: RedisServer, value: bytes, *, at: str = "*") -> None:
    """Write a value under the names that are in Redis."""
    with closing(server.client) as client:
        for name in client.scan_iter(at):
            client.set(name, value)


def test_what_one_process_computed_the_other_finds_until_it_is_too_old(
    replicas: tuple[Cached, Cached],
) -> None:
    one, two = replicas
    one.ask("lead-1")
    two.desk.facts["lead-1"] = 2
    two.desk.pass_time(29)
    assert two.ask("lead-1") == {"lead-1": ("redis", 0.0)}
    two.desk.pass_time(2)
    assert two.ask("lead-1") == {"lead-1": ("miss", 2.0)}
    assert (two.count("cache_hits_total"), two.count("cache_misses_total")) == (1, 1)


def test_what_came_from_redis_is_in_memory_then_but_no_longer_than_redis_would_have_it(
    server: RedisServer,
) -> None:
    desk = Desk()
    one, two = (linked(server, desk, terms=Terms(memory_seconds=5, redis_seconds=8)) for _ in range(2))
    with closing(one.cache), closing(two.cache):
        one.ask("lead-1")
        desk.pass_time(6)
        assert [two.ask("lead-1")["lead-1"][0] for _ in range(2)] == ["redis", "memory"]
        desk.pass_time(3)
        assert two.ask("lead-1")["lead-1"][0] == "miss"


def test_redis_holds_no_lead_id_and_forgets_by_itself(
    replicas: tuple[Cached, Cached], server: RedisServer
) -> None:
    replicas[0].ask("lead-1")
    with closing(server.client) as client:
        (name,) = client.keys()
        assert b"lead-1" not in name + client.get(name)
        assert 0 < client.pttl(name) <= 600_000


def test_another_secret_model_age_or_code_finds_nothing(server: RedisServer) -> None:
    desk = Desk()
    one, other = linked(server, desk), linked(server, desk, secret="another")
    with closing(one.cache), closing(other.cache):
        one.ask("lead-1")
        assert other.ask("lead-1")["lead-1"][0] == "miss"
        for spec in (spec_of("rent"), spec_of("sale", budget, calls_count), spec_of("sale", age_days=8)):
            assert one.ask("lead-1", spec=spec)["lead-1"][0] == "miss"
        assert one.ask("lead-1")["lead-1"][0] == "redis"


@pytest.mark.parametrize(
    "value",
    [b"", b"x", b"\0" * 16, b"\xff" * 500, b"x" * 100_000, msgspec.msgpack.encode([b"", [], 1, 2])],
    ids=["empty", "short", "only a seal", "garbage", "gigantic", "without a seal"],
)
def test_garbage_is_a_miss_and_is_replaced(
    value: bytes, replicas: tuple[Cached, Cached], server: RedisServer
) -> None:
    one, two = replicas
    one.ask("lead-1")
    put(server, value)
    assert two.ask("lead-1") == {"lead-1": ("miss", 0.0)}
    assert two.count("cache_errors_total") == 1
    assert one.ask("lead-1")["lead-1"][0] == "redis"


@pytest.mark.parametrize(
    "content",
    [
        [b"\0" * 8, ["portal"], 1, 2],  # a number too few
        [b"\0" * 16, [], 1, 2],
        [b"\0" * 16, [7.0], 1, 2],
        ["text", ["portal"], 1, 2],
        [b"\0" * 16, ["portal"], 1],
        {"numbers": b"\0" * 16},
        [b"\0" * 16, ["portal"], 2**63, 2],
        [b"\0" * 16, ["portal"], 10**18, 2],  # of the far future
        [b"\0" * 16, ["portal"], -(10**18), 2],  # of the far past
        None,
    ],
)
def test_values_of_another_shape_are_a_miss_even_with_the_right_seal(
    content: object, replicas: tuple[Cached, Cached], server: RedisServer
) -> None:
    one, two = replicas
    one.ask("lead-1")
    keys = Keys(lambda: "secret").of(SPEC)
    name, value = keys.key("lead-1"), msgspec.msgpack.encode(content)
    put(server, keys.seal(name, value) + value)
    two.desk.facts["lead-1"] = 4
    assert two.ask("lead-1") == {"lead-1": ("miss", 4.0)}


def test_another_leads_or_models_value_is_a_miss(
    replicas: tuple[Cached, Cached], server: RedisServer
) -> None:
    one, two = replicas
    one.desk.facts = {"lead-1": 1, "lead-2": 2}
    one.ask("lead-1")
    one.ask("lead-2", spec=spec_of("rent"))
    with closing(server.client) as client:
        names = {name: client.get(name) for name in client.scan_iter()}
        (first, one_value), (second, other_value) = names.items()
        client.mset({first: other_value, second: one_value})
    assert two.ask("lead-1") == {"lead-1": ("miss", 1.0)}
    assert two.ask("lead-2", spec=spec_of("rent")) == {"lead-2": ("miss", 2.0)}


def test_another_kind_of_value_under_the_name_is_a_miss(
    replicas: tuple[Cached, Cached], server: RedisServer
) -> None:
    one, two = replicas
    one.ask("lead-1")
    with closing(server.client) as client:
        (name,) = client.keys()
        client.delete(name)
        client.hset(name, "a", "b")
    assert two.ask("lead-1")["lead-1"][0] == "miss"


def test_killed_in_the_middle_no_request_fails_and_it_is_used_again_when_it_is_back(
    replicas: tuple[Cached, Cached], server: RedisServer
) -> None:
    one, _ = replicas
    stop, failures, seen = threading.Event(), list[BaseException](), set[str]()

    def ask() -> None:
        try:
            while not stop.is_set():
                seen.add(one.ask("lead-1", "lead-2")["lead-1"][0])
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        redis = one.redis
        assert redis is not None
        wait_for(lambda: "redis" in seen)
        server.kill()
        wait_for(lambda: not redis.link.up)
        seen.clear()
        wait_for(lambda: "miss" in seen)
        server.start()
        wait_linked(one)
        seen.clear()
        wait_for(lambda: "redis" in seen)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert one.count("cache_errors_total") >= 1


def test_frozen_it_costs_one_short_wait_and_is_not_asked_again(server: RedisServer) -> None:
    made = linked(server, Desk(), answer_seconds=0.2)
    with closing(made.cache):
        made.ask("lead-1")
        assert made.ask("lead-1")["lead-1"][0] == "redis"
        server.freeze()
        try:
            for _ in range(20):
                assert made.ask("lead-1")["lead-1"][0] == "miss"
            assert made.count("cache_errors_total") == 1
        finally:
            server.thaw()
        wait_linked(made)
        assert made.ask("lead-1")["lead-1"][0] in ("redis", "miss")


def test_a_redis_that_was_never_there_costs_nothing(server: RedisServer) -> None:
    server.kill()
    made = cached(Desk(), redis_url=server.url, terms=ONLY_REDIS)
    with closing(made.cache):
        assert made.ask("lead-1")["lead-1"][0] == "miss"
        assert made.count("cache_errors_total") == 0
        server.start()
        wait_linked(made)
        made.ask("lead-1")
        assert made.ask("lead-1")["lead-1"][0] == "redis"


def test_a_full_redis_is_a_cache_without_room(replicas: tuple[Cached, Cached], server: RedisServer) -> None:
    one, _ = replicas
    with closing(server.client) as client:
        client.config_set("maxmemory", "1kb")
        try:
            for _ in range(2):
                assert one.ask("lead-1")["lead-1"][0] == "miss"
        finally:
            client.config_set("maxmemory", "0")


def test_after_a_restart_with_the_database_away_redis_has_the_leads(
    replicas: tuple[Cached, Cached], server: RedisServer
) -> None:
    one, _ = replicas
    one.ask("lead-1")
    one.desk.pass_time(300)
    one.desk.away = True
    anew = linked(server, one.desk)
    with closing(anew.cache):
        assert anew.ask("lead-1")["lead-1"][0] == "stale"
        with pytest.raises(StoreError):
            anew.ask("lead-2")


@pytest.mark.parametrize("url", ["localhost:6379", "http://127.0.0.1", ""])
def test_an_address_that_is_none_says_which_setting(url: str) -> None:
    pytest.importorskip("redis")
    with pytest.raises(SettingsError, match="LEADLOOP_REDIS_URL"):
        RedisCache(url, keep_seconds=1)

"""A breaker leaves a failing predictor alone, and lets few calls try it again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from estate.bundles import write_manifest
from estate.bundles.bundle import MODEL
from estate.core.errors import DataError
from estate.core.frame import Frame
from estate.core.prediction import AnsweredBy, Scores
from estate.core.predictor import Predictor
from serving.predictors import Breaker, Checked, Fallback, State
from serving.predictors.breaker import BreakerOpen, Tolerance
from tests.serving.shop import ROW, Served, Shop, score_of, wait_for

FRAME = Frame.of({"rooms": [1.0, 2.0]})
TOLERANCE = Tolerance(window=6, failures=3, pause_seconds=1.0, longest_pause_seconds=3.0, probes=2)


@dataclass
class Clock:
    """Time that passes only when told."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Moody:
    """Does as it is told, and counts its calls."""

    mood: Callable[[], None] = lambda: None
    version: str = "3"
    answered_by: AnsweredBy = AnsweredBy.MODEL
    calls: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def predict_many(self, features: Frame) -> Scores:
        with self.lock:
            self.calls += 1
        self.mood()
        return Scores(np.full(len(features), 0.9))


def fails() -> None:
    raise RuntimeError("the runtime is broken")


def odd_rows() -> None:
    raise DataError("row 0", expected="a number", got="nonsense")


def fine() -> None:
    """Do nothing."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def inner() -> Moody:
    return Moody()


@pytest.fixture
def states() -> list[State]:
    return []


@pytest.fixture
def breaker(inner: Moody, clock: Clock, states: list[State]) -> Breaker:
    return Breaker(inner, TOLERANCE, on_change=states.append, clock=clock)


def state(breaker: Breaker) -> State:
    """Return the state; a type checker takes it for the same after a call."""
    return breaker.state


def ask(predictor: Predictor, times: int = 1) -> list[str]:
    """Return what became of each of some calls."""
    made = []
    for _ in range(times):
        try:
            predictor.predict_many(FRAME)
            made.append("answered")
        except Exception as error:
            made.append(type(error).__name__)
    return made


def open_it(breaker: Breaker, inner: Moody) -> None:
    inner.mood = fails
    assert ask(breaker, TOLERANCE.failures) == ["RuntimeError"] * TOLERANCE.failures
    assert state(breaker) is State.OPEN


def test_it_opens_after_so_many_failures_and_not_before(breaker: Breaker, inner: Moody) -> None:
    inner.mood = fails
    ask(breaker, 2)
    assert state(breaker) is State.CLOSED
    ask(breaker)
    assert state(breaker) is State.OPEN


def test_failures_that_lie_further_back_than_the_window_are_forgotten(breaker: Breaker, inner: Moody) -> None:
    for _ in range(5):
        inner.mood = fails
        ask(breaker, 2)
        inner.mood = fine
        ask(breaker, 5)  # of the last six calls, one failed
    assert state(breaker) is State.CLOSED


def test_while_open_it_refuses_at_once_and_says_so(breaker: Breaker, inner: Moody) -> None:
    open_it(breaker, inner)
    before = inner.calls
    with pytest.raises(BreakerOpen, match="version 3: expected a model that answers"):
        breaker.predict_many(FRAME)
    assert ask(breaker, 100) == ["BreakerOpen"] * 100
    assert inner.calls == before


def test_it_stays_open_until_the_pause_is_over(breaker: Breaker, inner: Moody, clock: Clock) -> None:
    open_it(breaker, inner)
    inner.mood = fine
    clock.seconds += 0.999
    assert ask(breaker) == ["BreakerOpen"]
    clock.seconds += 0.001
    assert ask(breaker) == ["answered"]


def test_of_fifty_callers_that_wait_only_the_probes_reach_the_predictor(
    breaker: Breaker, inner: Moody, clock: Clock, states: list[State]
) -> None:
    open_it(breaker, inner)
    reached, go_on = inner.calls, threading.Event()
    inner.mood = lambda: None if go_on.wait(30) else fails()
    clock.seconds += 1
    together = threading.Barrier(50)

    def call() -> str:
        together.wait(30)
        return ask(breaker)[0]

    with ThreadPoolExecutor(50) as pool:
        calls = [pool.submit(call) for _ in range(50)]
        wait_for(lambda: sum(one.done() for one in calls) == 50 - TOLERANCE.probes)
        assert inner.calls - reached == TOLERANCE.probes
        assert state(breaker) is State.HALF_OPEN
        go_on.set()
        results = sorted(one.result() for one in calls)
    assert results == ["BreakerOpen"] * 48 + ["answered"] * 2
    assert states == [State.OPEN, State.HALF_OPEN, State.CLOSED]


def test_after_good_probes_it_is_as_new(breaker: Breaker, inner: Moody, clock: Clock) -> None:
    open_it(breaker, inner)
    inner.mood = fine
    clock.seconds += 1
    assert ask(breaker, 2) == ["answered"] * 2
    assert state(breaker) is State.CLOSED
    inner.mood = fails
    ask(breaker, 2)
    assert state(breaker) is State.CLOSED, "failures from before it opened were counted again"


def test_after_each_bad_probe_it_stays_open_twice_as_long_up_to_a_bound(
    breaker: Breaker, inner: Moody, clock: Clock
) -> None:
    open_it(breaker, inner)
    for pause in (1.0, 2.0, 3.0, 3.0):
        clock.seconds += pause - 0.001
        assert ask(breaker) == ["BreakerOpen"]
        clock.seconds += 0.001
        assert ask(breaker, 2) == ["RuntimeError", "BreakerOpen"]
        assert state(breaker) is State.OPEN


def test_a_good_probe_makes_the_next_pause_short_again(breaker: Breaker, inner: Moody, clock: Clock) -> None:
    open_it(breaker, inner)
    clock.seconds += 1
    ask(breaker)  # a bad probe
    inner.mood = fine
    clock.seconds += 2
    assert ask(breaker, 2) == ["answered"] * 2
    open_it(breaker, inner)
    inner.mood = fine
    clock.seconds += 1
    assert ask(breaker) == ["answered"]


def test_a_probe_of_an_earlier_trial_does_not_count_in_a_later_one(
    breaker: Breaker, inner: Moody, clock: Clock
) -> None:
    open_it(breaker, inner)
    late, entered = threading.Event(), threading.Event()

    def slow() -> None:
        entered.set()
        assert late.wait(30)

    inner.mood = slow
    clock.seconds += 1
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, breaker)
        assert entered.wait(30)
        inner.mood = fails
        assert ask(breaker) == ["RuntimeError"]  # the other probe of this trial: open again
        inner.mood = fine
        clock.seconds += 2
        assert ask(breaker) == ["answered"]  # one good probe of two
        late.set()
        assert first.result() == ["answered"]
    assert state(breaker) is State.HALF_OPEN
    assert ask(breaker) == ["answered"]
    assert state(breaker) is State.CLOSED


def test_rows_that_cannot_be_scored_do_not_count_against_it(breaker: Breaker, inner: Moody) -> None:
    inner.mood = odd_rows
    assert ask(breaker, 50) == ["DataError"] * 50
    assert state(breaker) is State.CLOSED


def test_with_rules_behind_it_callers_get_their_answers_throughout(
    breaker: Breaker, inner: Moody, clock: Clock
) -> None:
    rules = Moody(version="rules", answered_by=AnsweredBy.RULES)
    whole = Fallback(Checked(breaker), rules)
    inner.mood = fails
    by = [whole.predict_many(FRAME).answered_by for _ in range(10)]
    assert by == [AnsweredBy.RULES] * 10
    assert (inner.calls, rules.calls) == (TOLERANCE.failures, 10)
    inner.mood = fine
    clock.seconds += 1
    assert whole.predict_many(FRAME).answered_by is AnsweredBy.MODEL


def test_a_real_process_shows_its_state_and_goes_back_to_the_model(shop: Shop) -> None:
    train_breakable(shop, "1")
    shop.promote("1")
    broken = {**ROW, "rooms": 1000}
    with shop.serve() as served:
        served.wait_for_version("1")
        assert state_of(served) == State.CLOSED
        for _ in range(5):
            assert served.predict(broken).json()["source"] == "rules"
        assert state_of(served) == State.OPEN
        assert served.predict().json()["source"] == "rules"  # a good row too: the model is left alone
        wait_for(lambda: served.predict().json()["source"] == "model")
        wait_for(lambda: served.predict().json()["source"] == "model" and state_of(served) == State.CLOSED)
        answer = served.predict().json()
    assert answer["predictions"][0]["score"] == pytest.approx(score_of("1"), abs=1e-6)


def state_of(served: Served) -> float:
    lines = served.client.get("/metrics").text.splitlines()
    (line,) = [line for line in lines if line.startswith('leadloop_breaker_state{model="sale"}')]
    return float(line.split()[-1])


def train_breakable(shop: Shop, version: str) -> None:
    """Put a version into the registry whose runtime raises where there are more than 100 rooms."""
    folder = shop.train(version, judged=False)
    model = onnx.load(folder / MODEL)
    graph = model.graph
    graph.initializer.append(numpy_helper.from_array(np.array([100], dtype=np.float32), "most"))
    graph.initializer.append(numpy_helper.from_array(np.array([0.0], dtype=np.float32), "nothing"))
    nodes = list(graph.node)
    del graph.node[:]
    (last,) = [node for node in nodes if node.output[0] == "z"]
    last.output[0] = "unbroken"
    graph.node.extend(
        [
            *nodes[:-1],
            helper.make_node("Greater", ["rooms", "most"], ["too_many"]),
            helper.make_node("Cast", ["too_many"], ["index"], to=TensorProto.INT64),
            helper.make_node("Gather", ["nothing", "index"], ["zero"]),  # 1 is out of bounds
            helper.make_node("Add", ["unbroken", "zero"], ["z"]),
            nodes[-1],
        ]
    )
    onnx.save(model, folder / MODEL)
    write_manifest(folder)
    made = shop.judge(version)
    shop.keep(version, made, shop.sign(made))

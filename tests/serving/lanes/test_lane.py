"""One model's line: who goes first, who is scored together, who is turned away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import numpy as np
import pytest

from estate.core.errors import DataError
from estate.core.prediction import AnsweredBy
from serving.answering import Answering
from serving.lanes import Overloaded, Priority, TooLate
from serving.predictors import Fallback
from serving.scoring import PIECE_ROWS
from tests.serving.lanes.desk import Desk, Told, scores
from tests.serving.shop import wait_for
from tests.specs import home_spec


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(home_spec(tmp_path / "homes.csv"))
    yield made
    made.model.go_on.set()
    made.lane.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(home_spec(tmp_path / "homes.csv"), most_rows=10)
    yield made
    made.model.go_on.set()
    made.lane.close()


def test_people_go_before_bulk_that_came_earlier(desk: Desk) -> None:
    desk.occupy()
    later = desk.bulk(*[1.0] * (PIECE_ROWS + 1))
    first = desk.ask(2)
    order: list[str] = []
    later.add_done_callback(lambda _: order.append("bulk"))
    first.add_done_callback(lambda _: order.append("person"))
    desk.model.go_on.set()
    assert scores(first) == [2.0]
    later.result(30)
    assert order == ["person", "bulk"]
    assert desk.model.calls[1] == [2.0]


def test_between_two_pieces_of_a_large_request_a_person_is_answered(desk: Desk) -> None:
    large = desk.bulk(*np.arange(3.0 * PIECE_ROWS))
    assert desk.model.called.wait(30)
    person = desk.ask(5)
    desk.model.go_on.set()
    assert scores(person) == [5.0]
    assert scores(large) == list(np.arange(3.0 * PIECE_ROWS))
    assert [len(call) for call in desk.model.calls] == [PIECE_ROWS, 1, PIECE_ROWS, PIECE_ROWS]


def test_small_ones_that_wait_together_are_scored_in_one_call(desk: Desk) -> None:
    desk.occupy()
    answers = [desk.ask(room, room + 0.5) for room in (1, 2, 3)]
    desk.model.go_on.set()
    assert [scores(answer) for answer in answers] == [[1.0, 1.5], [2.0, 2.5], [3.0, 3.5]]
    assert desk.model.calls == [[0.0], [1.0, 1.5, 2.0, 2.5, 3.0, 3.5]]
    assert [answer.result().entities for answer in answers][1] == ["case-2", "case-2.5"]
    assert [len(kept.ids) for kept in desk.kept] == [1, 6]
    assert [name for answer in answers for name in answer.result().ids] == list(desk.kept[1].ids)


def test_no_more_than_a_piece_is_put_together(desk: Desk) -> None:
    desk.occupy()
    answers = [desk.ask(*[float(i)] * 200) for i in range(4)]
    desk.model.go_on.set()
    for i, answer in enumerate(answers):
        assert scores(answer) == [float(i)] * 200
    assert [len(call) for call in desk.model.calls] == [1, 400, 400]


def test_a_bad_question_among_them_costs_only_itself_its_answer(desk: Desk) -> None:
    desk.occupy()
    good, bad, other = desk.ask(1), desk.ask(-1), desk.ask(2)
    desk.model.go_on.set()
    with pytest.raises(DataError, match="rooms: expected 0 or more"):
        bad.result(30)
    assert (scores(good), scores(other)) == ([1.0], [2.0])


def test_features_that_cannot_be_computed_cost_only_their_own_answer(desk: Desk) -> None:
    def broken() -> None:
        raise DataError("row 0", expected="a price", got="none")

    desk.occupy()
    good, bad = desk.ask(1), desk.ask(2, features=broken)
    desk.model.go_on.set()
    with pytest.raises(DataError, match="expected a price"):
        bad.result(30)
    assert scores(good) == [1.0]


def test_the_line_is_bounded_and_says_when_to_come_again(small: Desk) -> None:
    first = small.occupy()
    waiting = small.ask(*range(1, 10))
    with pytest.raises(Overloaded, match="got 10 rows that wait already") as refused:
        small.ask(1)
    assert refused.value.retry_seconds >= 1
    assert small.shed("queue_full") == 1
    small.model.go_on.set()
    assert scores(first) == [0.0]
    assert len(scores(waiting)) == 9
    small.lane.close()
    assert small.lane.waiting_rows == 0


def test_bulk_may_fill_half_of_it_and_people_the_rest(small: Desk) -> None:
    small.occupy()
    bulk = small.bulk(1, 2, 3, 4)
    with pytest.raises(Overloaded):
        small.bulk(5)
    person = small.ask(*range(5))
    with pytest.raises(Overloaded):
        small.ask(1)
    small.model.go_on.set()
    assert (len(scores(bulk)), len(scores(person))) == (4, 5)


def test_a_large_request_that_an_empty_line_took_leaves_people_their_half(small: Desk) -> None:
    large = small.bulk(*[1.0] * 40)
    assert small.model.called.wait(30)
    with pytest.raises(Overloaded):
        small.bulk(1)
    person = small.ask(2)
    small.model.go_on.set()
    assert (scores(person), len(scores(large))) == ([2.0], 40)


def test_whoever_would_be_too_late_is_turned_away_on_arrival(desk: Desk) -> None:
    desk.lane.pace.add(1, clock=1.0, computed=1.0)  # a second a row
    desk.occupy()
    waiting = [desk.ask(room, deadline=monotonic() + 600) for room in range(20)]
    with pytest.raises(Overloaded, match=r"got a queue of about 21\.0 s") as refused:
        desk.ask(1)
    assert refused.value.retry_seconds == 21
    assert desk.shed("deadline") == 1
    late_but_patient = desk.ask(1, deadline=monotonic() + 600)
    desk.model.go_on.set()
    assert scores(late_but_patient) == [1.0]
    assert len(waiting) == 20


def test_bulk_that_a_person_overtakes_does_not_turn_the_person_away(desk: Desk) -> None:
    desk.lane.pace.add(1, clock=0.01, computed=0.01)  # a hundredth of a second a row
    desk.occupy()
    bulk = [desk.ask(*[1.0] * 500, priority=Priority.BULK, deadline=monotonic() + 600) for _ in range(9)]
    with pytest.raises(Overloaded):  # 45 s
        desk.bulk(1)
    person = desk.ask(2)  # behind one piece at most
    desk.model.go_on.set()
    assert scores(person) == [2.0]
    assert [len(scores(answer)) for answer in bulk] == [500] * 9


def test_an_empty_line_takes_anything(small: Desk) -> None:
    small.lane.pace.add(1, clock=100.0, computed=100.0)
    small.model.go_on.set()
    assert len(scores(small.ask(*range(50)))) == 50


def test_whose_time_is_over_in_the_line_gets_no_answer_and_costs_nothing(desk: Desk) -> None:
    desk.occupy()
    deadline = monotonic() + 0.5
    late = desk.ask(7, deadline=deadline)
    wait_for(lambda: monotonic() > deadline)
    desk.model.go_on.set()
    with pytest.raises(TooLate, match="x-timeout-ms"):
        late.result(30)
    assert desk.shed("too_late") == 1
    assert desk.model.calls == [[0.0]]


def test_a_large_request_is_given_up_between_two_pieces_when_its_time_is_over(desk: Desk) -> None:
    now = monotonic()
    desk.model.go_on.set()
    desk.model.after = lambda calls: wait_for(lambda: monotonic() > now + 0.2)
    large = desk.ask(*[1.0] * (4 * PIECE_ROWS), priority=Priority.BULK, deadline=now + 0.1)
    with pytest.raises(TooLate):
        large.result(30)
    assert len(desk.model.calls) == 1
    assert desk.kept == []


def test_whoever_has_gone_costs_nothing(desk: Desk) -> None:
    desk.occupy()
    gone, stays = desk.ask(1), desk.ask(2)
    assert gone.cancel()
    desk.model.go_on.set()
    assert scores(stays) == [2.0]
    assert desk.model.calls == [[0.0], [2.0]]
    desk.lane.close()
    assert desk.lane.waiting_rows == 0


def test_closing_answers_what_waits(desk: Desk) -> None:
    desk.occupy()
    answers = [desk.ask(room) for room in (1, 2)] + [desk.bulk(*[3.0] * (PIECE_ROWS + 1))]
    desk.model.go_on.set()
    desk.lane.close()
    assert all(answer.done() for answer in answers)
    assert (scores(answers[0]), scores(answers[1])) == ([1.0], [2.0])


def test_a_closed_lane_turns_away_rather_than_keep_anybody_waiting(desk: Desk) -> None:
    desk.model.go_on.set()
    scores(desk.ask(1))
    desk.lane.close()
    with pytest.raises(Overloaded):
        desk.ask(2)


def test_one_request_has_one_version_though_a_swap_happens_meanwhile(desk: Desk) -> None:
    large = desk.ask(*[1.0] * (3 * PIECE_ROWS))
    assert desk.model.called.wait(30)
    before = desk.ask(2)
    other = Told(version="2")
    other.go_on.set()
    desk.served.answering = Answering(predictor=other)
    after = desk.ask(3)
    desk.model.go_on.set()
    assert {large.result(30).scores.version, before.result(30).scores.version} == {"1"}
    assert after.result(30).scores.version == "2"
    assert other.calls == [[3.0]]


def test_a_request_whose_model_fails_on_the_way_has_one_origin(desk: Desk) -> None:
    """The rules behind answer all of it again, rather than a part."""

    def fail_the_second(calls: int) -> None:
        if calls == 2:
            raise RuntimeError("broken")

    rules = Told(version="rules", answered_by=AnsweredBy.RULES)
    for one in (desk.model, rules):
        one.go_on.set()
    desk.model.after = fail_the_second
    desk.served.answering = Answering(predictor=Fallback(desk.model, rules))
    answer = desk.ask(*[1.0] * (2 * PIECE_ROWS)).result(30)
    assert len(answer.ids) == 2 * PIECE_ROWS
    assert {origin for origin, _ in answer.scores.rows_by_origin()} == {("1", AnsweredBy.MODEL)}

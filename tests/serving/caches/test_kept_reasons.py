"""Reasons are kept by all that the model reads of a row, to the bit, and not for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest

from estate.bundles import InputColumn
from estate.bundles.bundle_predictor import BundlePredictor
from estate.bundles.reasons import Reason, Reasons
from estate.core.frame import Frame
from serving.caches.kept_reasons import KEEP_SECONDS, KeptReasons

Row = tuple[float | None, float | None, str | None]
NOBODY = cast(BundlePredictor, None)


@dataclass
class Told:
    """Stands for a bundle's reasons: says of each row its own numbers, and how many rows it was asked for."""

    asked: list[int] = field(default_factory=list)
    fails: bool = False
    unit: str = "log_odds"
    features: tuple[InputColumn, ...] = (
        InputColumn("budget", "number"),
        InputColumn("rooms", "number"),
        InputColumn("source", "category"),
    )

    @property
    def bundle(self) -> Told:
        return self

    def explain(self, features: Frame, predictor: object) -> list[list[Reason]]:
        if self.fails:
            raise ValueError("no reference")
        self.asked.append(len(features))
        return [
            [Reason("budget", f"{row['budget']} {row['rooms']} {row['source']}", "for", 1 / 3)]
            for row in features.records()
        ]


def kept(told: Told, **more: Any) -> KeptReasons:
    return KeptReasons(cast(Reasons, told), **more)


def frame(*rows: Row) -> Frame:
    budget, rooms, source = zip(*rows, strict=True)
    texts, other = np.array(source, dtype=object), np.arange(len(rows))
    numbers = {"budget": np.array(budget, dtype=np.float64), "rooms": np.array(rooms, dtype=np.float64)}
    return Frame({**numbers, "source": texts, "other": other}, len(rows))


def texts(reasons: KeptReasons, rows: Frame) -> list[str]:
    return [of[0].text for of in reasons.of(rows, NOBODY)]


def test_a_row_is_explained_once_also_where_it_comes_twice_at_a_time() -> None:
    told, counted = Told(), []
    reasons = kept(told, looked_up=lambda rows, hits: counted.append((rows, hits)))
    rows = frame((1.0, 2.0, "ads"), (1.0, 3.0, "ads"), (1.0, 2.0, "ads"))
    assert texts(reasons, rows) == ["1.0 2.0 ads", "1.0 3.0 ads", "1.0 2.0 ads"]
    assert texts(reasons, rows.take(np.array([1, 0]))) == ["1.0 3.0 ads", "1.0 2.0 ads"]
    assert (told.asked, counted) == ([2], [(3, 0), (2, 2)])
    assert reasons.of(rows, NOBODY)[0][0].contribution == 0.333333


@pytest.mark.parametrize(
    "other",
    [
        (np.nextafter(1.0, 2.0), None, "ads"),
        (1.0, 0.0, "ads"),
        (None, 1.0, "ads"),
        (1.0, None, None),
        (1.0, None, "ad"),
    ],
    ids=["a bit", "known", "the other one is missing", "no category", "another category"],
)
def test_what_differs_in_anything_is_another_row(other: Row) -> None:
    told = Told()
    reasons = kept(told)
    first = (1.0, None, "ads")
    alone = [texts(kept(Told()), frame(row))[0] for row in (first, other)]
    assert [texts(reasons, frame(row))[0] for row in (first, other, first)] == [*alone, alone[0]]
    assert told.asked == [1, 1]


def test_a_column_that_the_model_does_not_read_changes_nothing() -> None:
    told = Told()
    reasons = kept(told)
    for place in (0, 1):
        texts(reasons, frame((1.0, 2.0, None), (1.0, 2.0, None)).take(np.array([place])))
    assert told.asked == [1]


def test_they_are_forgotten_after_a_while() -> None:
    told, moment = Told(), [0.0]
    reasons = kept(told, clock=lambda: moment[0])
    for moment[0] in (0.0, KEEP_SECONDS - 1, KEEP_SECONDS + 1):
        texts(reasons, frame((1.0, 2.0, "ads")))
    assert told.asked == [1, 1]


def test_an_error_is_not_kept() -> None:
    told = Told(fails=True)
    reasons = kept(told)
    with pytest.raises(ValueError, match="no reference"):
        texts(reasons, frame((1.0, 2.0, "ads")))
    told.fails = False
    assert texts(reasons, frame((1.0, 2.0, "ads"))) == ["1.0 2.0 ads"]


def test_many_threads_get_each_row_its_own() -> None:
    reasons = kept(Told())

    def client(number: int) -> None:
        for turn in range(200):
            rows = [(float((number + turn * k) % 50), float(k), "ads") for k in range(4)]
            assert texts(reasons, frame(*rows)) == [f"{budget} {k} ads" for budget, k, _ in rows]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(client, range(8)))

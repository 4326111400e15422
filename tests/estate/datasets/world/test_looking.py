"""Which homes leads look at: those for sale, and as likely as their taste says."""

from __future__ import annotations

from functools import cache

import numpy as np

from estate.datasets.world import World
from estate.datasets.world.behaviour import INTERACTIONS
from estate.datasets.world.market import AREAS
from estate.datasets.world.observables import Scene
from estate.datasets.world.simulate import make_scene
from estate.datasets.world.taste import SEEN_BEFORE, SHARPNESS

LOOKS = [INTERACTIONS.index(kind) for kind in SHARPNESS]


@cache
def _scene() -> Scene:
    return make_scene(World(seed=11, leads_per_day=60, days=60), range(60))


def test_every_look_is_at_a_home_for_sale_in_one_of_two_areas() -> None:
    scene = _scene()
    looks = np.isin(scene.events.kind, LOOKS)
    assert (scene.homes[looks] >= 0).all()
    assert (scene.homes[~looks] == -1).all()
    home, at, lead = scene.homes[looks], scene.events.event_at[looks], scene.events.lead[looks]
    assert (scene.properties.recorded_at[home] <= at).all()
    assert (scene.listings.ended_at[home] > at).all()
    area = scene.properties.area[home]
    own = area == scene.tastes.area[lead]
    assert (own | (area == scene.tastes.other_area[lead])).all()
    assert 0.75 < own.mean() < 0.95


def test_views_are_as_likely_as_the_utility_says() -> None:
    """The home that was viewed is among the k best of its lead as often as their chances add up to."""
    scene = _scene()
    rows = np.flatnonzero(scene.events.kind == INTERACTIONS.index("listing_view"))[::3]
    chances = _chances(scene, rows)
    order = np.argsort(-chances, axis=1)
    for k in (1, 3, 10):
        best = order[:, :k]
        expected = np.take_along_axis(chances, best, axis=1).sum(axis=1)
        seen = (best == scene.homes[rows][:, None]).any(axis=1)
        noise = np.sqrt((expected * (1 - expected)).sum())
        assert abs(seen.sum() - expected.sum()) < 4 * noise


def test_what_is_toured_was_looked_at_before_as_often_as_it_should() -> None:
    scene = _scene()
    rows = np.flatnonzero(scene.events.kind == INTERACTIONS.index("tour"))
    looks = [INTERACTIONS.index(kind) for kind in ("listing_view", "listing_save")]
    chances = _chances(scene, rows, log=True) * SHARPNESS["tour"]
    seen = np.zeros_like(chances, dtype=bool)
    for place, row in enumerate(rows.tolist()):
        before = (scene.events.lead == scene.events.lead[row]) & np.isin(scene.events.kind, looks)
        before &= scene.events.event_at < scene.events.event_at[row]
        seen[place, scene.homes[before]] = True
    weight = np.exp(chances + SEEN_BEFORE * seen)
    expected = (weight * seen).sum(axis=1) / weight.sum(axis=1)
    again = seen[np.arange(len(rows)), scene.homes[rows]]
    assert abs(again.sum() - expected.sum()) < 4 * np.sqrt((expected * (1 - expected)).sum())
    assert again.mean() > 0.5


def test_tastes_differ_between_leads_of_one_wish() -> None:
    tastes = _scene().tastes
    assert (tastes.other_area != tastes.area).all()
    assert set(tastes.other_area.tolist()) == set(range(len(AREAS)))
    assert tastes.kind.std(axis=0).min() > 0.8
    assert 0.4 < tastes.space.std() < 0.6


def _chances(scene: Scene, rows: np.ndarray, *, log: bool = False) -> np.ndarray:
    at = scene.events.event_at[rows][:, None]
    home = np.arange(len(scene.properties.area))[None, :]
    utility = scene.tastes.utility(scene.properties, scene.events.lead[rows][:, None], home, at)
    forsale = (scene.properties.recorded_at[home] <= at) & (scene.listings.ended_at[home] > at)
    utility = np.where(forsale, utility, -np.inf)
    if log:
        return utility
    weight = np.exp(utility)
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))

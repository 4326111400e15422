"""``answers.json`` is read strictly, is part of the manifest, and may be absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from estate.bundles import Bundle, check_manifest, write_manifest
from estate.bundles.answers_file import ANSWERS, AnswersFile
from estate.bundles.bands import Bands
from estate.bundles.intervals import LabelSet, RateInterval, ValueInterval
from estate.bundles.rate import Rate
from estate.core.errors import ArtifactError
from tests.model_registry.conftest import write_bundle

RATES = (Rate(100, 5, 0.02, 0.09), Rate(100, 40, 0.3, 0.5))
INTERVAL = RateInterval(0.9, (0.2,), (0.5, 0.8), (1.5, 1.2), 0.01, 0.9, RATES)
SAID = AnswersFile(interval=INTERVAL, bands=Bands((0.2,), RATES))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def put(folder: Path, text: str) -> None:
    (folder / ANSWERS).write_text(text)
    write_manifest(folder)


def test_a_bundle_of_before_opens_and_says_nothing_more(folder: Path) -> None:
    bundle = Bundle.open(folder)
    assert not (folder / ANSWERS).exists()
    assert (bundle.interval, bundle.bands) == (None, None)


def test_what_was_written_is_read(folder: Path) -> None:
    put(folder, SAID.model_dump_json())
    bundle = Bundle.open(folder)
    assert (bundle.interval, bundle.bands) == (SAID.interval, SAID.bands)


def test_it_is_part_of_the_manifest(folder: Path) -> None:
    before = check_manifest(folder)
    put(folder, SAID.model_dump_json())
    assert check_manifest(folder) != before
    (folder / ANSWERS).write_text(AnswersFile().model_dump_json())
    with pytest.raises(ArtifactError, match=r"answers\.json.*sha256"):
        Bundle.open(folder)


def changed(**changes: Any) -> str:
    raw = json.loads(SAID.model_dump_json())
    for path, value in changes.items():
        part, _, field = path.partition("__")
        if field:
            raw[part][field] = value
        else:
            raw[part] = value
    return json.dumps(raw)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "answers.json"),
        (changed(more=1), "more: Extra inputs are not permitted"),
        (changed(interval__more=1), "interval.rate.more"),
        (changed(interval__kind="other"), "interval"),
        (changed(interval__level=1.0), "interval.rate.level"),
        (changed(interval__low=[0.5]), "1 edges and 1, 2, 2 bins"),
        (changed(interval__low=[0.5, 1e300]), "factors of odds"),
        (changed(interval__edges=["0.2"]), "interval.rate.edges"),
        (changed(interval__least=0.0), "outermost scores"),
        (changed(bands__edges=[]), "bands need edges"),
        (changed(bands__edges=[0.3, 0.2]), "each above the one before"),
        (changed(bands__edges=[0.1, 0.2]), "2 edges and 2 measured bands"),
        (changed().replace("0.09", "NaN"), "bands|interval"),
        (changed().replace('"positives": 5', '"positives": 500'), "500 positives of 100 rows"),
        (
            changed(interval={"kind": "value", "level": 0.9, "edges": [], "radius": [-1.0], "rows": 9}),
            "negative",
        ),
        (
            changed(interval={"kind": "value", "level": 0.9, "edges": [], "radius": [1.0], "rows": 9}),
            "expected an interval of a binary model, got one of kind 'value'",
        ),
    ],
)
def test_anything_else_is_refused(folder: Path, text: str, match: str) -> None:
    put(folder, text)
    with pytest.raises(ArtifactError, match=match) as raised:
        Bundle.open(folder)
    assert "\n" not in str(raised.value)


SCORES = np.array([0.0, 1e-9, 0.01, 0.2, np.nextafter(0.2, 0), 0.55, 0.9, 0.95, 1.0])


@pytest.mark.parametrize("interval", [INTERVAL, ValueInterval(0.9, (0.2, 0.9), (0.1, 2.0, 3.0), 900)])
def test_one_score_has_the_same_interval_as_among_many(interval: RateInterval | ValueInterval) -> None:
    low, high = interval.ends(SCORES)
    assert [interval.of(score) for score in SCORES.tolist()] == list(
        zip(low.tolist(), high.tolist(), strict=True)
    )


def test_inside_a_bin_the_interval_follows_the_score() -> None:
    low, high = INTERVAL.ends(np.linspace(0.21, 0.89, 50))
    assert (np.diff(low) > 0).all()
    assert (np.diff(high) > 0).all()
    assert INTERVAL.of(0.5) == pytest.approx((0.8 / 1.8, 1.2 / 2.2))
    assert INTERVAL.of(0.0) == INTERVAL.of(0.01)  # no nearer to 0 than any frozen row was
    assert INTERVAL.of(1.0) == INTERVAL.of(0.9)


def test_a_set_of_labels_has_all_that_are_likely_enough_and_never_none() -> None:
    p = np.array([[0.1, 0.6, 0.3], [0.34, 0.33, 0.33], [0.0, 0.0, 1.0]])
    assert LabelSet(0.9, 0.3, 100).sets(p, ("a", "b", "c")) == [["b", "c"], ["a", "b", "c"], ["c"]]
    assert LabelSet(0.9, 0.99, 100).sets(p, ("a", "b", "c")) == [["b"], ["a"], ["c"]]


def test_a_score_on_an_edge_belongs_to_the_band_above() -> None:
    bands = Bands((0.1, 0.3, 0.5))
    scores = np.array([0.0, 0.1, 0.3, 0.49, 0.5, 1.0])
    names = ["1 of 4", "2 of 4", "3 of 4", "3 of 4", "4 of 4", "4 of 4"]
    assert [bands.names[code] for code in bands.codes(scores)] == names
    assert [bands.of(score) for score in scores.tolist()] == names

"""What ripe rows of worlds with known truth are found to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from estate.core.frame import Frame
from estate.core.model_spec import Task
from estate.services.lead_scoring.model import SPEC
from estate.training.metrics import metric_named
from monitoring.quality.calibration import check_calibration
from monitoring.quality.foreseen import judge_foreseen
from monitoring.quality.measures import measured
from monitoring.quality.realised import judge_realised
from monitoring.quality.skill import Skill
from monitoring.quality.trust import Asked, doubts_of_ripe, doubts_of_space
from tests.monitoring.quality.worlds import answered, labels, proof, scores

LOSS = metric_named(Task.BINARY, "log_loss")
BEFORE = Skill(0.16, 0.02, 2_000)


def codes_of(slope: float = 1.0, up: float = 0.0, rows: int = 2_000) -> list[str]:
    p = scores(rows, 1)
    window = answered(p, labels(p, 1, slope=slope, up=up))
    return [one.code for one in judge_realised(SPEC, window, BEFORE, None, fall=0.9).findings]


def test_a_world_without_change_has_no_fall() -> None:
    assert not {"MON301", "MON303", "MON304"} & set(codes_of())


def test_a_link_that_is_gone_is_a_fall() -> None:
    assert {"MON301", "MON303"} <= set(codes_of(slope=0.1))


def test_twice_as_many_positives_are_found_in_the_calibration() -> None:
    assert "MON303" in codes_of(up=0.8)


def test_few_ripe_labels_are_counted_and_said() -> None:
    p = scores(30, 1)
    found = judge_realised(SPEC, answered(p, labels(p, 1)), BEFORE, None, fall=0.9)
    assert found.fall is None
    (told,) = found.findings
    assert (told.code, told.statistic) == ("MON307", 30.0)


def test_unripe_labels_are_never_negatives() -> None:
    p = scores(2_000, 1)
    y = labels(p, 1)
    half = np.where(np.arange(len(y)) % 2, y, np.nan)
    found = judge_realised(SPEC, answered(p, half), BEFORE, None, fall=0.9)
    assert len(found.rows) == 1_000
    assert found.rows.y.mean() == pytest.approx(y[1::2].mean())


def test_the_slice_that_got_worse_is_named() -> None:
    p = scores(4_000, 1)
    source = np.array(["portal", "web", "phone", "walk-in"] * 1_000, dtype=object)
    y = np.where(source == "web", labels(p, 2, slope=0.0, up=1.2), labels(p, 1))
    found = judge_realised(SPEC, answered(p, y, lead_source=source), BEFORE, None, fall=0.9)
    assert [one.sentence.split(":")[0] for one in found.findings if one.code == "MON304"] == [
        "`lead_source` = web"
    ]


@pytest.mark.thorough
def test_calibrated_scores_are_found_uncalibrated_once_in_a_hundred_windows() -> None:
    false = seen = 0
    for seed in range(200):
        p = scores(600, seed)
        false += bool(check_calibration(labels(p, seed), p, seed=seed).findings)
        seen += bool(check_calibration(labels(p, seed, up=0.9), p, seed=seed).findings)
    assert false <= 7  # of 200 with 1 %: more in 1 of 1,000 cases
    assert seen >= 190


def test_intercept_and_slope_are_those_of_the_world() -> None:
    p = scores(40_000, 0)
    found = check_calibration(labels(p, 0, slope=0.7), p)
    assert found.slope.low <= 0.7 <= found.slope.high
    assert found.bound < 0.02


@pytest.mark.thorough
def test_slices_cry_wolf_once_in_a_hundred_windows() -> None:
    false = 0
    for seed in range(200):
        p = scores(1_500, seed)
        source = np.random.default_rng(seed).choice(np.array(list("abcdef"), dtype=object), len(p))
        window = answered(p, labels(p, seed), lead_source=source)
        codes = {one.code for one in judge_realised(SPEC, window, BEFORE, None, fall=0.9).findings}
        false += "MON304" in codes
    assert false <= 7


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["log_loss", "brier", "roc_auc", "accuracy"])
def test_intervals_hold_the_truth_about_nine_times_in_ten(name: str) -> None:
    metric, inside = metric_named(Task.BINARY, name), 0
    large = scores(200_000, 99)
    (truth,) = measured((metric,), labels(large, 99), large)
    for seed in range(200):
        p = scores(600, seed)
        (one,) = measured((metric,), labels(p, seed), p, seed=seed)
        inside += one.low <= truth.value <= one.high
    assert 0.82 <= inside / 200 <= 0.97


@pytest.mark.thorough
def test_the_estimate_cries_wolf_once_in_a_hundred_windows() -> None:
    false = seen = 0
    nothing = answered(np.full(1_000, np.nan), np.full(1_000, np.nan))
    for seed in range(200):
        before, now, harder = scores(1_000, seed), scores(400, seed + 500), scores(400, seed, spread=0.5)
        earlier = replace(nothing, score=before)
        for p, worse in ((now, False), (harder, True)):
            unripe = answered(p, np.full(len(p), np.nan))
            found = judge_foreseen(SPEC, unripe, earlier, None, fall=0.9, seed=seed)
            codes = [one.code for one in found.findings]
            seen += worse and "MON302" in codes
            false += not worse and "MON302" in codes
    assert false <= 7
    assert seen >= 195


@pytest.mark.thorough
def test_the_estimate_is_doubted_where_outcomes_have_changed_and_not_else() -> None:
    doubted = {"same": 0, "changed": 0}
    for seed in range(60):
        p = scores(800, seed)
        for name, slope in (("same", 1.0), ("changed", 0.1)):
            y = labels(p, seed, slope=slope)
            doubted[name] += bool(doubts_of_ripe(LOSS, y, p, check_calibration(y, p), lost=0.016, seed=seed))
    assert doubted["same"] <= 4
    assert doubted["changed"] >= 57


def test_cases_unlike_any_that_is_known_are_doubted() -> None:
    random = np.random.default_rng(0)

    def sample(rows: int, mean: float, level: str) -> Asked:
        kinds = np.where(random.random(rows) < 0.5, "web", level).astype(object)
        return Asked(Frame({"x": random.normal(mean, 1, rows), "kind": kinds}, rows), random.random(rows))

    known = sample(2_000, 0.0, "portal")
    assert doubts_of_space(known, sample(500, 0.0, "portal")) == ()
    assert "`x`" in doubts_of_space(known, sample(500, 6.0, "portal"))[0]
    assert "`kind`" in doubts_of_space(known, sample(500, 0.0, "radio"))[0]


def test_evidence_without_the_metric_says_that_there_is_no_baseline() -> None:
    p = scores(500, 0)
    y = labels(p, 0)
    found = judge_realised(SPEC, answered(p, y), None, proof(p, y), fall=0.9)
    assert found.findings[-1].code == "MON307"
    assert "no baseline" in found.findings[-1].sentence

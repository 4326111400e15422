"""What is done with a rollout follows from the reports alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from estate.core.rollout import LATENCY_EDGES_MS, SCORE_BINS, Rollout, RolloutKind, RolloutReport, Side
from model_registry.rollouts import distance, noise, quantile_ms, verdict

NOW = datetime(2026, 1, 5, tzinfo=UTC)
CANARY = Rollout(kind=RolloutKind.CANARY, requests=1000)
EVEN = (1.0,) * SCORE_BINS
FAST = 1.5  # ms


def side(rows: int, *, errors: int = 0, ms: float = FAST, scores: tuple[float, ...] = EVEN) -> Side:
    """Return what a version saw whose requests all took ``ms`` and whose scores fall so into the bins."""
    latency = [0] * (len(LATENCY_EDGES_MS) + 1)
    latency[int(np.searchsorted(LATENCY_EDGES_MS, ms))] = rows
    shares = np.asarray(scores) / sum(scores)
    counts = np.random.default_rng(rows).multinomial(rows - errors, shares)
    return Side(rows=rows, errors=errors, latency=tuple(latency), scores=tuple(int(n) for n in counts))


def report(
    candidate: Side, stable: Side, *, process: str = "a", state: str = "ready", age: float = 0.0
) -> RolloutReport:
    return RolloutReport(
        rollout_seq=1,
        process=process,
        state=state,  # type: ignore[arg-type]
        problem="golden rows differ" if state == "refused" else None,
        candidate=candidate,
        stable=stable,
        at=NOW - timedelta(seconds=age),
    )


def test_enough_good_rows_promote_with_the_numbers() -> None:
    reports = [report(side(600), side(5000)), report(side(500), side(4000), process="b")]
    found = verdict(CANARY, reports, NOW)
    assert found.action == "promote"
    assert "1100 rows, 0 errors (0.00%); the present version 9000; p95 1.95 ms" in found.why
    assert "distance of the scores 0.0" in found.why


def test_a_shadow_ends_and_is_not_promoted() -> None:
    shadow = Rollout(kind=RolloutKind.SHADOW, requests=100)
    assert verdict(shadow, [report(side(200), side(200))], NOW).action == "end"


def test_too_few_rows_go_on() -> None:
    found = verdict(CANARY, [report(side(999), side(9000))], NOW)
    assert found.action == "go_on"
    assert found.why.startswith("999 of 1000 rows scored.")


@pytest.mark.parametrize("kind", [RolloutKind.CANARY, RolloutKind.SHADOW, RolloutKind.BLUE_GREEN])
def test_a_refused_load_aborts(kind: RolloutKind) -> None:
    reports = [report(Side(), Side()), report(Side(), Side(), process="b", state="refused")]
    found = verdict(Rollout(kind=kind), reports, NOW)
    assert (found.action, found.why) == ("abort", "b can't serve it: golden rows differ")


@pytest.mark.parametrize(
    ("rows", "errors", "action"), [(19, 19, "go_on"), (20, 1, "abort"), (100, 1, "go_on")]
)
def test_errors_abort_from_twenty_rows_on(rows: int, errors: int, action: str) -> None:
    found = verdict(CANARY, [report(side(rows, errors=errors), side(1000))], NOW)
    assert found.action == action
    assert action == "go_on" or "failed on 1 of 20 rows (5.00%); at most 1.00% is allowed" in found.why


@pytest.mark.parametrize(
    ("ms", "requests", "action"), [(12.0, 200, "abort"), (3.0, 200, "go_on"), (12.0, 90, "go_on")]
)
def test_slowness_aborts_where_enough_requests_were_timed(ms: float, requests: int, action: str) -> None:
    found = verdict(CANARY, [report(side(requests, ms=ms), side(900))], NOW)
    assert found.action == action
    assert action == "go_on" or "more than 3 times" in found.why


def test_other_scores_abort() -> None:
    low = (3.0,) * 8 + (0.2,) * 12
    found = verdict(CANARY, [report(side(300, scores=low), side(2000))], NOW)
    assert found.action == "abort"
    assert "at most 0.25" in found.why
    few = verdict(CANARY, [report(side(15, scores=low), side(30))], NOW)
    assert few.action == "go_on", "with so few rows it may be chance"


def test_same_scores_hardly_ever_abort() -> None:
    rng = np.random.default_rng(0)
    strict = Rollout(kind=RolloutKind.CANARY, most_shift=1e-9)
    aborted = 0
    for _ in range(2000):
        one, two = (
            Side(
                rows=300,
                scores=tuple(int(n) for n in rng.multinomial(300, np.full(SCORE_BINS, 1 / SCORE_BINS))),
            )
            for _ in range(2)
        )
        aborted += verdict(strict, [report(one, two)], NOW).action == "abort"
    assert aborted <= 8  # one of 1,000 is stated; binned scores are further below


def test_silent_processes_do_not_count() -> None:
    gone = report(side(5000, errors=5000), side(9000), process="gone", age=11)
    assert verdict(CANARY, [gone], NOW).action == "go_on"
    assert verdict(CANARY, [gone, report(side(1000), side(9000))], NOW).action == "promote"


@pytest.mark.parametrize(
    ("states", "action"),
    [
        ([("ready", 0.0), ("ready", 1.0)], "promote"),
        ([("ready", 0.0), ("loading", 1.0)], "go_on"),
        ([("ready", 0.0), ("loading", 6.0)], "promote"),
        ([("ready", 6.0)], "go_on"),
        ([], "go_on"),
    ],
)
def test_blue_green_waits_for_every_process_that_is_there(
    states: list[tuple[str, float]], action: str
) -> None:
    reports = [
        report(Side(), Side(), process=str(i), state=state, age=age) for i, (state, age) in enumerate(states)
    ]
    assert verdict(Rollout(kind=RolloutKind.BLUE_GREEN), reports, NOW).action == action


def test_everybody_on_the_canary_is_compared_with_nobody() -> None:
    found = verdict(
        Rollout(kind=RolloutKind.CANARY, share=1.0, requests=100), [report(side(100), Side())], NOW
    )
    assert found.action == "promote"
    assert "nothing to compare the scores with" in found.why


def test_a_latency_histogram_knows_its_quantiles() -> None:
    times = np.random.default_rng(0).gamma(2.0, 1.0, 5000)
    counts = np.bincount(np.searchsorted(LATENCY_EDGES_MS, times), minlength=len(LATENCY_EDGES_MS) + 1)
    assert quantile_ms(tuple(int(n) for n in counts), 0.95) == pytest.approx(
        np.quantile(times, 0.95), rel=0.3
    )
    assert quantile_ms((0,) * 14, 0.95) == 0.0


def test_the_distance_is_the_one_of_scipy() -> None:
    from scipy.stats import ks_2samp

    rng = np.random.default_rng(1)
    one, two = rng.integers(0, SCORE_BINS, 400), rng.integers(0, SCORE_BINS - 4, 300)
    counts = [tuple(int(n) for n in np.bincount(found, minlength=SCORE_BINS)) for found in (one, two)]
    assert distance(*counts) == pytest.approx(ks_2samp(one, two).statistic)
    assert noise(400, 300) == pytest.approx(1.9495 * (700 / 120_000) ** 0.5, rel=1e-3)

"""What a person reads of a version: short, whole, and honest about what was not measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from estate.core.evidence import Evidence, Finding, Group, Measure, ServingCost, Slice
from estate.core.model_spec import Gate, ModelSpec
from estate.core.search_summary import SearchedParameter, SearchSummary
from estate.training.card import CALIBRATION_PLOT, LIMIT, model_card
from tests.specs import days_spec, home_spec

MEASURES = tuple(
    Measure(name, 0.123456, 0.101234, 0.145678)
    for name in ("log_loss", "brier", "roc_auc", "pr_auc", "accuracy", "lift_top_decile", "calibration_error")
)
IMPORTANCE = {f"some_feature_count_{i}d": 0.01 for i in range(30)}


def evidence() -> Evidence:
    return Evidence(
        model="home_sale",
        training_key="key",
        bundle_digest="b" * 64,
        verdict=False,
        findings=(Finding("GATE101", True, "400 frozen rows"), Finding("GATE107", False, "Brier score 0.3")),
        measures=MEASURES,
        baseline=MEASURES,
        champion=MEASURES,
        champion_version="7",
        slices=tuple(Slice("area", f"district {i}", 100 + i, 0.4) for i in range(40)),
        data_fingerprint="d" * 64,
        feature_fingerprint="f" * 64,
        code_version="0.1",
        as_of=datetime(2026, 1, 1, tzinfo=UTC),
        rows=2000,
        holdout_rows=400,
        mature_share=0.75,
        trained_by="mary",
        holdout_uses=2,
        groups=(Group("age", "20 to 30", 100, 0.1, 1.0), Group("age", "60 to 80", 100, 0.05, 0.5)),
        serving=ServingCost(3.0, 20.0, 400, 0.0),
    )


def spec(**gate: object) -> ModelSpec:
    return home_spec(Path("none.csv"), gate=Gate(slices=("area",), **gate))  # type: ignore[arg-type]


def test_a_card_says_what_a_search_did() -> None:
    searched = SearchSummary(
        parameters=(SearchedParameter("depth", "3", "8"),), trials=30, pruned=2, failed=0,
        ended_by="trials", metric="log_loss", own=0.6, chosen=0.5, gain=0.1, gain_low=0.05, kept_own=False,
    )  # fmt: skip
    card = model_card(spec(), replace(evidence(), search=searched), IMPORTANCE)
    assert f" Search{searched.sentence[6:]}." in card
    assert "Search" not in model_card(spec(), evidence(), IMPORTANCE)


def test_a_card_says_verdict_reasons_limits_and_who_trained() -> None:
    card = model_card(spec(protected=("age",)), evidence(), IMPORTANCE)
    assert "The gate **refused**" in card
    assert "- NO GATE107: Brier score 0.3" in card
    assert f"![calibration]({CALIBRATION_PLOT})" in card
    assert "75% of the candidates had a ripe label" in card
    assert "2 gates had judged on these rows before" in card
    assert "not for another decision" in card
    assert "Not measured" not in card
    assert "trained by mary" in card
    assert card.index("age = 60 to 80") < card.index("age = 20 to 30")
    assert "(the largest; 35 more in `leadloop explain`)" in card


def test_a_card_says_what_was_not_measured() -> None:
    unmeasured = replace(evidence(), serving=None, slices=(), groups=())
    card = model_card(spec(), unmeasured, IMPORTANCE)
    assert "Not measured: latency and memory, protected groups (the spec names none)." in card


def test_only_probabilities_have_a_picture_of_their_calibration() -> None:
    assert CALIBRATION_PLOT not in model_card(days_spec(Path("none.csv")), evidence(), IMPORTANCE)


def test_a_card_stays_short_and_keeps_every_refusal() -> None:
    findings = tuple(Finding(f"GATE{101 + i}", i % 4 > 0, "a long sentence " * 15) for i in range(14))
    card = model_card(spec(protected=("age",)), replace(evidence(), findings=findings), IMPORTANCE)
    assert len(card) <= LIMIT
    assert card.count("- NO GATE") == 4
    assert "- ok GATE102, GATE103, GATE104" in card
    assert "Evidence `" in card

"""What stays of a search with a version: it is read back as it was written, and said in one sentence."""

from __future__ import annotations

from dataclasses import replace

from estate.core.evidence import Evidence
from estate.core.search_summary import SearchedParameter, SearchSummary
from tests.estate.training.test_card import evidence

SUMMARY = SearchSummary(
    parameters=(SearchedParameter("depth", "3", "8"), SearchedParameter("rate", "0.0123456789", "0.5")),
    trials=30,
    pruned=12,
    failed=1,
    ended_by="patience",
    metric="log_loss",
    own=0.61234,
    chosen=0.51234,
    gain=0.1,
    gain_low=0.0456,
    kept_own=False,
    reason="no memory",
)


def test_evidence_of_a_search_is_read_back() -> None:
    whole = replace(evidence(), search=SUMMARY)
    assert Evidence.from_json(whole.to_json()) == whole


def test_older_evidence_has_none() -> None:
    text = evidence().to_json().replace('"search":null,', "")
    assert "search" not in text
    assert Evidence.from_json(text).search is None


def test_a_gain_is_told_with_its_parameters() -> None:
    assert SUMMARY.sentence == (
        "search: 30 trials (12 pruned, 1 failed), ended by patience; depth 3, rate 0.01235; "
        "log_loss of the next rows 0.5123 instead of 0.6123, better by at least 0.0456"
    )


def test_no_gain_is_told_too() -> None:
    kept = replace(SUMMARY, kept_own=True, pruned=0, failed=0, ended_by="minutes")
    assert kept.sentence == (
        "search: 30 trials, ended by minutes; none better than the spec's own parameters by more than chance"
    )
    assert "too few rows" in replace(kept, ended_by="rows", trials=0).sentence
    assert "own parameters failed" in replace(SUMMARY, own=None, gain=None).sentence

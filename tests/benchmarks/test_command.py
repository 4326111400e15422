"""``python -m benchmarks`` from outside: what is listed, what is refused, the shape of a result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.catalog import BENCHMARKS, load
from benchmarks.printing import print_result

ROOT = Path(__file__).parents[2]


def benchmarks(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def result(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ran.returncode == 0, ran.stderr
    made: dict[str, Any] = json.loads(ran.stdout)
    assert {"benchmark", "machine", "commit", "rows", "goals"} <= set(made)
    return made


def test_every_benchmark_is_listed_by_its_first_word() -> None:
    listed = benchmarks()
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(BENCHMARKS)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_stands_in_the_docs_and_can_be_loaded(name: str) -> None:
    assert callable(load(name))
    assert f"python -m benchmarks {name}" in (ROOT / "docs" / "benchmarks.md").read_text()


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    ran = benchmarks("replays")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"benchmarks: there is no `replays`; there are {', '.join(BENCHMARKS)}.\n"


def test_absent_data_is_one_sentence(tmp_path: Path) -> None:
    ran = benchmarks("replay", "--quick", LEADLOOP_PUBLIC_DATA=str(tmp_path))
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"benchmarks: data file {tmp_path}")
    assert "Set LEADLOOP_PUBLIC_DATA" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_alarms_quick_gives_one_object() -> None:
    made = result(benchmarks("alarms", "--quick", "--json"))
    assert {row["judge"] for row in made["rows"]} == {"leadloop", "evidently"}


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_batch_quick_scores_every_row_beside_the_bare_model() -> None:
    made = result(benchmarks("batch", "--quick", "--json"))
    bare, large, small, usual = made["rows"]
    assert bare["way"].startswith("bare ONNX Runtime")
    assert (bare["rows"], large["rows"], small["rows"]) == (60_000, 60_000, 30_000)
    assert 0 < large["of_bare"] <= 1.2
    assert usual["way"] == "pandas and scikit-learn"


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_gate_quick_measures_false_passes_power_and_reuse() -> None:
    made = result(benchmarks("gate", "--quick", "--json"))
    assert {row["metric"] for row in made["rows"]} == {"roc_auc", "log_loss"}
    assert all(row["passed"] == 0 for row in made["rows"] if row["challenger"] == "identical")
    assert sum("same rows" in row["challenger"] for row in made["rows"]) == 3


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_promotion_quick_turns_nobody_away() -> None:
    made = result(benchmarks("promotion", "--quick", "--json"))
    by_way = {row["way"]: row for row in made["rows"]}
    assert by_way["alias in the UI"]["promotions"] == 5
    assert by_way["flips under load"]["failed_requests"] == 0
    assert by_way["flips under load"]["requests"] > 100


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_replay_quick_goes_through_the_platform(public_data: Path, tmp_path: Path) -> None:
    variables = {"LEADLOOP_PUBLIC_DATA": str(public_data), "LEADLOOP_HOME": str(tmp_path)}
    made = result(benchmarks("replay", "--quick", "--json", **variables))
    rows = {row["retrained"]: row for row in made["rows"]}
    assert len(rows) == 5
    assert rows["never"]["trainings"] == 0
    assert rows["on drift"]["watch_passes"] >= 1
    assert all(0 < row["log_loss"] < 1 for row in rows.values())
    assert Path(made["plot"]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_serve_quick_finds_every_answer_in_the_log() -> None:
    made = result(benchmarks("serve", "--quick", "--json"))
    measured = {row["server"]: row for row in made["rows"] if row.get("connections") == 64}
    assert set(measured) == {"leadloop", "bare ASGI echo", "asyncio protocol echo"}
    assert all(row["requests_s"] > 0 and row["errors"] == 0 for row in measured.values())
    met = {goal["goal"]: goal["met"] for goal in made["goals"]}
    assert met["acknowledged answers that are not in the log at most 0"]
    assert met["rows of the log that nobody asked for at most 0"]


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_ideas_quick_says_claim_and_measure_of_each() -> None:
    made = result(benchmarks("ideas", "--quick", "--json"))
    assert all(
        {"idea", "claim", "measured", "measured_as", "in_a_request"} == set(row) for row in made["rows"]
    )
    assert len(made["goals"]) == 1


def test_a_table_shows_rows_and_unmet_goals(capsys: pytest.CaptureFixture[str]) -> None:
    goal = {"goal": "loss at most 0.5", "value": 0.6, "bound": 0.5, "met": False}
    made = {"benchmark": "made up", "machine": "here", "commit": "abc", "rows": [{"loss": 0.61234}]}
    print_result({**made, "goals": [goal]})
    printed = capsys.readouterr().out
    assert "0.6123" in printed
    assert "NO" in printed
    assert "commit abc" in printed


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_features_quick_computes_a_hundred_of_each_lead_and_times_one() -> None:
    made = result(benchmarks("features", "--quick", "--json"))
    many, *live = made["rows"]
    assert (many["leads"], many["events"], many["values_that_differ"]) == (1_000, 100_000, 0)
    assert {row["by"] for row in live} == {"the database", "its facts in memory"}
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in live)


@pytest.mark.thorough
@pytest.mark.timeout(900)
def test_lead_models_quick_measures_desks_and_a_table(public_data: Path) -> None:
    made = result(benchmarks("lead_models", "--quick", "--json", LEADLOOP_PUBLIC_DATA=str(public_data)))
    by = {(row["split"], row["metric"]): row for row in made["rows"]}
    for model in ("lead_conversion", "churn"):
        assert 1.0 <= by[model, "log loss over the best possible"]["ours"] < 1.2
        assert by[model, "AUC of the rules"]["ours"] > 0.5
    assert 0.8 < by["5 folds", "roc_auc"]["ours"] < 0.9
    assert made["goals"] == []


@pytest.mark.thorough
def test_shown_homes_quick_times_both_ways_and_finds_what_came_true() -> None:
    made = result(benchmarks("shown_homes", "--quick", "--json"))
    by = {row["by"]: row for row in made["rows"]}
    assert by["kept"]["p50_ms"] > 0
    assert by["ratio"]["value"] > 0.5
    assert {row["measured"] for row in made["rows"]} >= {"home_choice", "home_interest", "home_viewing"}


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_members_quick_asks_members_and_candidates_alone_and_together() -> None:
    rows = result(benchmarks("members", "--quick", "--json"))["rows"]
    assert [row["who"] for row in rows][:2] == ["the vote in service", "steps"]
    assert {"network of 16", "line of echoes"} < {row["who"] for row in rows}
    alone = "log loss over the best possible, by desk"
    assert all(1.0 < float(row[alone]) < 1.5 for row in rows)
    earned = [float(row["weight in a vote of all"]) for row in rows[1:-1]]
    assert sum(earned) == pytest.approx(1.0, abs=0.05)

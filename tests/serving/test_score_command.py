"""``leadloop score`` on a file and on all open leads."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import psycopg
import pytest
import typer
from typer.testing import CliRunner

from infra.cli import scoring
from infra.cli.scoring_progress import scoring_progress
from serving.production import production_model
from tests.serving.shop import Shop


@pytest.fixture
def run(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("LEADLOOP_HOME", str(shop.settings.home))
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", shop.database.url)
    monkeypatch.setenv("LEADLOOP_MODELS", str(shop.folder / "models"))
    return CliRunner()


def app() -> typer.Typer:
    made = typer.Typer()
    scoring.register(made)
    made.command("other")(lambda: None)  # with one command alone Typer drops its name
    return made


def test_a_file_is_scored(run: CliRunner, tmp_path: Path) -> None:
    rows = pd.DataFrame({"case_id": ["a"], "rooms": [3], "price_usd": [1.0], "area": ["north"]})
    rows.to_csv(tmp_path / "in.csv", index=False)
    out = tmp_path / "out.parquet"
    result = run.invoke(
        app(), ["score", "sale", "--in", str(tmp_path / "in.csv"), "--out", str(out), "--json"]
    )
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["rows"], said["version"], said["source"]) == (1, "rules", "rules")
    assert pd.read_parquet(out)["score"].tolist() == [0.1]


def test_a_table_of_the_platforms_database_is_scored(run: CliRunner, shop: Shop, tmp_path: Path) -> None:
    with psycopg.connect(shop.database.url) as connection:
        connection.execute(
            "CREATE TABLE flats AS SELECT 'a' AS case_id, 3 AS rooms, 1.0 AS price_usd, 'x' AS area"
        )
    for way in (["--table", "flats"], ["--query", "SELECT * FROM flats"]):
        out = tmp_path / "out.parquet"
        result = run.invoke(app(), ["score", "sale", *way, "--out", str(out), "--workers", "1"])
        assert result.exit_code == 0, result.output
        assert pd.read_parquet(out)[["case_id", "score"]].to_numpy().tolist() == [["a", 0.1]]


def test_bad_rows_are_put_aside_and_counted(run: CliRunner, shop: Shop, tmp_path: Path) -> None:
    shop.train("1")
    shop.promote("1")
    production_model(shop.settings, shop.database, "sale", fetch=shop.fetch)  # the command finds it on disk
    rows = pd.DataFrame({"rooms": ["3", "many"], "price_usd": [1.0, 2.0], "area": ["north", "x"]})
    rows.to_csv(tmp_path / "in.csv", index=False)
    files = ["--in", str(tmp_path / "in.csv"), "--out", str(tmp_path / "out.csv")]
    assert "row 1" in str(run.invoke(app(), ["score", "sale", *files]).exception)
    result = run.invoke(app(), ["score", "sale", *files, "--on-bad-rows", "quarantine", "--json"])
    said = json.loads(result.stdout)
    assert (said["rows"], said["bad_rows"], said["bad"]) == (1, 1, str(tmp_path / "out.bad.csv"))


def test_a_long_run_says_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with scoring_progress("in.csv") as (progress, say):
        say("goes on at row 1,000")
        progress(1000, 5000)
        progress(2000, 5000)
    assert capsys.readouterr().err == "in.csv: goes on at row 1,000\n"


def test_all_open_leads_are_scored(run: CliRunner) -> None:
    result = run.invoke(app(), ["score", "lead_conversion", "--as-of", "2026-01-05", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "model": "lead_conversion",
        "leads": 0,
        "as_of": "2026-01-05T00:00:00+00:00",
    }


@pytest.mark.parametrize("wrong", [["--in", "a.csv"], ["--out", "b.csv"], ["--table", "t"]])
def test_in_and_out_belong_together(run: CliRunner, wrong: list[str]) -> None:
    result = run.invoke(app(), ["score", "sale", *wrong])
    assert result.exit_code == 2
    assert "belong together" in result.output

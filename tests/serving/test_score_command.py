"""``leadloop score`` on a file and on all open leads."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from infra.cli import scoring
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


def test_all_open_leads_are_scored(run: CliRunner) -> None:
    result = run.invoke(app(), ["score", "lead_conversion", "--as-of", "2026-01-05", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {
        "model": "lead_conversion",
        "leads": 0,
        "as_of": "2026-01-05T00:00:00+00:00",
    }


@pytest.mark.parametrize("wrong", [["--in", "a.csv"], ["--out", "b.csv"]])
def test_in_and_out_belong_together(run: CliRunner, wrong: list[str]) -> None:
    result = run.invoke(app(), ["score", "sale", *wrong])
    assert result.exit_code == 2
    assert "belong together" in result.output

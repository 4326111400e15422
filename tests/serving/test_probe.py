"""What a version costs, measured in a real process that leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from estate.bundles import write_manifest
from estate.bundles.bundle import GOLDEN
from estate.core.errors import ArtifactError, StackError
from serving.probe import measure_cost
from tests.serving.shop import Shop


def processes() -> set[str]:
    """Return the command lines of all serving processes of one bundle."""
    lines = (path.read_bytes().replace(b"\0", b" ").decode() for path in _command_lines())
    return {line for line in lines if "serving.one_bundle" in line}


def _command_lines() -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]


def changed(folder: Path, **golden: object) -> Path:
    kept = json.loads((folder / GOLDEN).read_text())
    (folder / GOLDEN).write_text(
        json.dumps({name: value for name, value in {**kept, **golden}.items() if value})
    )
    write_manifest(folder)
    return folder


def test_a_version_that_nobody_judged_yet_is_measured_over_http(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADLOOP_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    folder = shop.train("1", judged=False)
    before = sorted(shop.folder.rglob("*"))
    cost = measure_cost(shop.settings, shop.spec, folder)
    assert cost.requests >= 200
    assert 0 < cost.p95_ms < 1000
    assert 0 <= cost.memory_mb < 200
    assert cost.golden_difference < 1e-5
    assert sorted(shop.folder.rglob("*")) == before
    assert not [line for line in processes() if str(folder) in line]


def test_what_the_process_said_last_is_told(shop: Shop) -> None:
    folder = shop.train("1", golden=0.7)
    with pytest.raises(StackError, match=r"exit code 1\. It said last: .*golden scores \[0\.7, 0\.7\]"):
        measure_cost(shop.settings, shop.spec, folder)
    assert not [line for line in processes() if str(folder) in line]


def test_rows_that_the_version_can_not_score_are_no_measure(shop: Shop) -> None:
    folder = shop.train("1", fails_above=50)
    rows = json.loads((folder / GOLDEN).read_text())["rows"]
    changed(folder, rows=[row | {"rooms": 99} for row in rows])
    with pytest.raises(StackError, match="got an answer of rules"):
        measure_cost(shop.settings, shop.spec, folder)


def test_a_model_that_is_in_no_file_is_not_measured(shop: Shop) -> None:
    folder = shop.train("1")
    settings = shop.settings.model_copy(update={"models": ()})
    with pytest.raises(StackError, match="model `sale`: expected one of"):
        measure_cost(settings, shop.spec, folder)


def test_a_bundle_without_rows_as_a_caller_sends_them_is_refused(shop: Shop) -> None:
    folder = changed(shop.train("1"), rows=None)
    with pytest.raises(
        ArtifactError, match=r"expected rows with the columns rooms, price_usd, area, got none"
    ):
        measure_cost(shop.settings, shop.spec, folder)

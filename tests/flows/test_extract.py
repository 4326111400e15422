"""The flow that reads the CRM's own database, as a worker runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from estate.core.settings import Settings
from estate.store.database import Database
from estate.store.extractions import list_extractions
from estate.store.facts import read_facts
from tests.conftest import ROOT, stack_environment

pytestmark = pytest.mark.stack
FILE = """
url: ${CRM_URL}
tables:
  market_index:
    query: >
      SELECT 'flow-' || n AS index_id, 'flow' AS area, 100.0 + n AS value, at AS event_at, at AS updated_at
      FROM generate_series(1, 40) n,
        LATERAL (SELECT timestamptz '2026-01-05Z' + n * interval '1 hour' AS at) t
    watermark: updated_at
  messages:
    query: SELECT 'x' AS message_id, now() AS updated_at
    watermark: updated_at
"""


def run_flow(stack: Settings, call: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"from flows.extract import extract; print('found', extract({call}))"],
        env=stack_environment(
            stack.home,
            PREFECT_API_URL=stack.endpoint("prefect_url"),
            PREFECT_HOME=str(stack.home / "prefect"),
            **variables,
        ),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_flow_extracts_what_the_setting_names_and_nothing_twice(
    stack: Settings, stack_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "flow_desk.yaml"
    file.write_text(FILE)
    url = stack.endpoint("database_url")
    ran = run_flow(stack, "'market_index'", LEADLOOP_CRM_EXTRACTION=str(file), CRM_URL=url)
    assert "found 40" in ran.stdout, ran.stderr
    assert "market_index: 40 rows read, 40 new" in ran.stderr
    assert url not in ran.stdout + ran.stderr
    again = run_flow(stack, "", LEADLOOP_CRM_EXTRACTION=str(file), CRM_URL=url)
    assert "found 0" in again.stdout, again.stderr
    assert "messages: 1 rows read, 0 new, 0 corrected, 1 refused" in again.stderr
    facts = read_facts(stack_database, "market_index")
    assert (facts["area"] == "flow").sum() == 40
    assert {one.kind for one in list_extractions(stack_database) if one.source == "flow_desk"} == {
        "market_index",
        "messages",
    }


def test_without_the_setting_it_does_nothing(stack: Settings) -> None:
    ran = run_flow(stack, "")
    assert "found 0" in ran.stdout, ran.stderr
    assert "LEADLOOP_CRM_EXTRACTION is not set" in ran.stderr

"""The nightly and monthly flows of the lead services, as a worker runs them."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta

import pandas as pd
import pytest

from estate.core.clock import now
from estate.core.settings import Settings
from estate.datasets.world import World, simulate_into
from estate.store.database import Database
from tests.conftest import ROOT, stack_environment

pytestmark = [pytest.mark.stack, pytest.mark.thorough]
DAYS = 12


def run_flow(stack: Settings, name: str, call: str = "") -> str:
    ran = subprocess.run(
        [sys.executable, "-c", f"from flows.{name} import {name}; print('found', {name}({call}))"],
        env=stack_environment(
            stack.home,
            PREFECT_API_URL=stack.endpoint("prefect_url"),
            PREFECT_HOME=str(stack.home / "prefect"),
        ),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert "found" in ran.stdout, ran.stderr
    return ran.stdout.split("found ")[1].strip()


def test_the_flows_of_leads_do_their_work_and_repeating_is_safe(
    stack: Settings, stack_database: Database
) -> None:
    start = (now() - timedelta(days=DAYS)).date()
    world = World(seed=41, leads_per_day=6, days=DAYS, start=start)
    simulate_into(stack_database, world, home=stack.home)
    matched = int(run_flow(stack, "match"))
    assert matched >= 40
    homes = pd.read_parquet(stack.home / "exports" / "matches.parquet")
    assert homes["lead_id"].nunique() <= matched
    assert homes.groupby("lead_id")["place"].max().max() == 5
    assert run_flow(stack, "match", "homes=1") == str(matched)
    again = pd.read_parquet(stack.home / "exports" / "matches.parquet")
    assert again["place"].max() == 1  # the file is replaced as a whole
    assert set(again["lead_id"]) == set(homes["lead_id"])
    proposed = int(run_flow(stack, "retain"))
    assert int(run_flow(stack, "retain")) == 0  # a round begins once
    assert proposed >= 0
    assert run_flow(stack, "bands") == "0"  # rules answer: no band has promised anything

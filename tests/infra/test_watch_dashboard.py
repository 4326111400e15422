"""The watch's dashboard asks the tables that there are, and its alert rules the numbers that are written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from estate.core.settings import Settings
from estate.store.database import Database
from monitoring.numbers import write_numbers

INFRA = Path(__file__).parents[2] / "infra"
DASHBOARD: dict[str, Any] = json.loads((INFRA / "dashboards" / "watch.json").read_text())


def queries() -> list[str]:
    targets = [target for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    variables = [one["query"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]
    return [*(target["rawSql"] for target in targets), *variables]


def test_every_query_runs_on_the_migrated_schema(database: Database) -> None:
    asked = queries()
    assert len(asked) > 10
    with database.begin() as connection:
        for query in asked:
            told = re.sub(r"\$__timeFilter\((\w+)\)", r"\1 > now() - interval '1 day'", query)
            connection.execute(sa.text(told.replace("${model:sqlstring}", "'churn'")))


def test_every_rule_asks_numbers_that_the_watch_writes(database: Database, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    write_numbers(settings, database)
    written = "".join(path.read_text() for path in tmp_path.rglob("*.prom"))
    groups = yaml.safe_load((INFRA / "alerts" / "watch.yml").read_text())["groups"]
    names = {n for g in groups for rule in g["rules"] for n in re.findall(r"leadloop_\w+", rule["expr"])}
    assert names
    assert {name for name in names if f"# TYPE {name} " not in written} == set()

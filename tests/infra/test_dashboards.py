"""Dashboard and alerts ask for series that serving really has, and point at docs that are there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.serving.conftest import shop  # noqa: F401  (a fixture)
from tests.serving.shop import Shop

INFRA = Path(__file__).parents[2] / "infra"
DASHBOARD = INFRA / "dashboards" / "serving.json"
ALERTS = INFRA / "alerts" / "serving.yml"
_SERIES = re.compile(r"\bleadloop_[a-z_]+")


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return read


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions() -> list[str]:
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    variables = [one["definition"] for one in dashboard()["templating"]["list"] if "definition" in one]
    notes = [one["expr"] for one in dashboard()["annotations"]["list"]]
    return [*panels, *variables, *notes, *(rule["expr"] for rule in rules())]


def families(text: str) -> dict[str, str]:
    """Return the kind of every series of a text form, by name."""
    return dict(line.split()[2:4] for line in text.splitlines() if line.startswith("# TYPE "))


def names(text: str) -> set[str]:
    """Return the names under which samples of these series appear."""
    made: set[str] = set()
    for name, kind in families(text).items():
        made |= {f"{name}_{end}" for end in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return made


def test_every_expression_names_series_of_a_running_process(shop: Shop) -> None:  # noqa: F811
    with shop.serve() as served:
        exposed = names(served.client.get("/metrics").text)
    asked = {name for expression in expressions() for name in _SERIES.findall(expression)}
    assert asked
    assert asked <= exposed, asked - exposed


def test_what_serving_counts_is_shown(shop: Shop) -> None:  # noqa: F811
    with shop.serve() as served:
        exposed = families(served.client.get("/metrics").text)
    shown = " ".join(expressions())
    ours = {name.removesuffix("_total") for name in exposed if name.startswith("leadloop_")}
    assert {name for name in ours if name not in shown} <= {"leadloop_prediction_log_queue_rows"}


def test_labels_are_those_that_series_have(shop: Shop) -> None:  # noqa: F811
    known = {"le", "pid", "instance"}
    with shop.serve() as served:
        for metric in served.process.metrics.registry._names_to_collectors.values():
            known |= set(getattr(metric, "_labelnames", ()))
    said = " ".join(expressions())
    lists = re.findall(r"(?:by|on|group_left) \(([^)]*)\)", said)
    used = {label.strip() for group in lists for label in group.split(",") if label.strip()}
    used |= set(re.findall(r"(\w+)(?:=~|=|!=|!~)\"", said))
    assert used <= known, used - known


def test_every_panel_says_what_it_shows_and_has_a_place_of_its_own() -> None:
    panels = dashboard()["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places) == len({panel["id"] for panel in panels})
    for panel in panels:
        assert panel["type"] == "row" or (panel["description"] and panel["targets"])


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_every_alert_says_what_to_do_and_where_it_is_described(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    assert notes["summary"]
    assert notes["todo"]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    file, _, anchor = notes["docs"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (INFRA.parent / file).read_text(), re.MULTILINE)
    assert anchor in {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with Prometheus")
def test_prometheus_takes_the_alerts() -> None:
    ran = subprocess.run(
        ["promtool", "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr

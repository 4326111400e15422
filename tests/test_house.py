"""What holds for the whole house: exports resolve, docs name what there is, nothing private is named."""

from __future__ import annotations

import importlib
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PACKAGES = ("estate", "flows", "tasks", "model_registry", "serving", "monitoring", "infra", "benchmarks")
SOURCES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def test_every_exported_name_is_there() -> None:
    for path in SOURCES:
        if path.name == "__init__.py":
            module = importlib.import_module(".".join(path.parent.relative_to(ROOT).parts))
            assert all(hasattr(module, name) for name in getattr(module, "__all__", ())), path


def test_every_package_says_what_it_is() -> None:
    silent = [
        str(path) for path in SOURCES if path.name == "__init__.py" and path.read_text().startswith('"""."""')
    ]
    assert silent == []


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    long = [str(path.relative_to(ROOT)) for path in SOURCES if len(path.read_text().splitlines()) > 300]
    assert long == []


def test_every_command_stands_in_the_docs() -> None:
    from typer.main import get_command

    from infra.cli.main import app

    docs = (ROOT / "docs" / "operations.md").read_text()
    commands = getattr(get_command(app), "commands")  # noqa: B009 - typed as a single command
    assert [name for name in commands if not re.search(rf"`(leadloop )?{name}\b", docs)] == []


def test_every_flow_has_one_deployment_and_stands_in_the_docs() -> None:
    deployed = {d["entrypoint"] for d in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]}
    flows = {f"flows/{path.name}:{path.stem}" for path in (ROOT / "flows").glob("[a-z]*.py")}
    assert deployed == flows
    docs = (ROOT / "docs" / "operations.md").read_text()
    assert [entry for entry in deployed if entry.split(":")[1] not in docs] == []


def test_every_rule_of_the_gate_stands_in_the_docs() -> None:
    codes = set(re.findall(r"GATE\d+", (ROOT / "estate/training/gate.py").read_text()))
    assert codes == set(re.findall(r"GATE\d+", (ROOT / "docs/models.md").read_text()))


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", *sorted(p.name for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_between_docs_lead_somewhere(name: str) -> None:
    path = ROOT / name if (ROOT / name).exists() else ROOT / "docs" / name
    for target in re.findall(r"\]\((?!https?://)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_lock_names_no_host() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()


def test_serving_starts_without_heavy_packages() -> None:
    heavy = ("prefect", "evidently", "river", "mlflow", "sklearn", "pandas", "xgboost")
    code = f"import serving.app, sys; print(' '.join(m for m in {heavy} if m in sys.modules))"
    from sys import executable

    printed = subprocess.run(
        [executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert printed.split() == []

"""The commands that change what is in production, on a real ledger."""

from __future__ import annotations

import typer
from typer.testing import CliRunner

from infra.cli import registry


def test_promotion_needs_a_reason() -> None:
    app = typer.Typer()
    registry.register(app)
    assert CliRunner().invoke(app, ["promote", "churn", "2"]).exit_code == 2

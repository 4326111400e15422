"""``leadloop doctor``: is everything set up, and what to do if not."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Check the installation, the folder of state, every part of the stack. Exits with 1 if one is bad."""
    import json
    from dataclasses import asdict

    from estate.core.settings import load_settings
    from infra.cli.checks import run_checks
    from infra.cli.parts_view import console

    findings = run_checks(load_settings())
    good = all(finding.ok for finding in findings)
    if as_json:
        typer.echo(json.dumps({"ok": good, "checks": [asdict(finding) for finding in findings]}))
    else:
        out = console()
        for finding in findings:
            mark = "[red]bad[/]" if not finding.ok else "[yellow]hm [/]" if finding.warns else "[green]ok [/]"
            out.print(f"{mark} {finding.check:<13}", end="")
            quiet = finding.ok and not finding.warns
            out.print(finding.found + ("" if quiet else f" {finding.todo}"), markup=False)
    if not good:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)

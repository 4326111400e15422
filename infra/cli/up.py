"""``leadloop up``: the whole local stack."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from estate.core.settings import Settings


def up(
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Then show the whole loop once.")] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when all is up; `leadloop down` stops it.")
    ] = False,
) -> None:
    """Start Postgres, MLflow, Prefect, its worker, the reconciler and serving; say where they are.

    Without --detach it stays in the foreground, and Ctrl-C stops all of it.
    """
    from estate.core.settings import load_settings
    from infra.cli.parts_view import console, show_addresses
    from infra.stack import read_status
    from serving.guard.binding import require_keys
    from serving.guard.key_file import key_file

    settings = load_settings()
    require_keys(settings.host, key_file(settings))
    home = settings.home.resolve()
    with _signals_as_interrupts():
        process = _start(settings, home, detach=detach)
        try:
            show_addresses(read_status(home))
            if demo:
                from infra.demo import run_demo

                run_demo(settings)
                show_addresses(read_status(home))
            if process and not detach:
                console().print("Ctrl-C stops all of it.")
                _stay(process)
        except KeyboardInterrupt:
            if process is None or detach:
                raise
        finally:
            if process and not detach:
                _stop(home)
    if process and not detach:
        _check(process, home)


def _start(settings: Settings, home: Path, *, detach: bool) -> subprocess.Popen[bytes] | None:
    """Return the supervisor if it was started here, None if one was there already."""
    from infra.cli.parts_view import console, show_start
    from infra.stack import read_status, start, watch_start

    if read_status(home).pid is not None:
        show_start(watch_start(home, None)) if read_status(home).state != "up" else None
        console().print(f"The stack in {home} is up already.")
        return None
    process = start(settings, detached=detach)
    try:
        show_start(watch_start(home, process))
    except KeyboardInterrupt:
        _stop(home)
        raise
    return process


def _stay(process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        time.sleep(0.2)


def _stop(home: Path) -> None:
    from infra.cli.down import stop_and_tell

    # A second Ctrl-C must not leave half of it running.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stop_and_tell(home)


def _check(process: subprocess.Popen[bytes], home: Path) -> None:
    from estate.core.errors import StackError
    from infra.stack.log_files import log_path

    if code := process.wait():
        raise StackError(
            "supervisor of the stack",
            expected="to run until it is stopped",
            got=f"its end with code {code}",
            todo=f"Its log is {log_path(home, 'supervisor')}.",
        )


@contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """Treat a closed terminal and a polite kill as Ctrl-C, which counts even where a shell ignores it."""
    before = {one: signal.signal(one, _interrupt) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up")(up)

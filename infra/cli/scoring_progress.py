"""How far a long scoring is: a bar where somebody looks, lines where nobody does."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Told = tuple[Callable[[int, int | None], None], Callable[[str], None]]
"""Told of the rows done and of all rows; told sentences."""

_SECONDS = 10.0


@contextmanager
def scoring_progress(name: str) -> Iterator[Told]:
    """Show rows, rows a second and the time left on the error output."""
    if sys.stderr.isatty():
        with _bar(name) as told:
            yield told
    else:
        yield _Lines(name).progress, lambda sentence: _write(f"{name}: {sentence}")


@contextmanager
def _bar(name: str) -> Iterator[Told]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    speed = TextColumn("{task.fields[speed]} rows/s")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), speed)
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task(f"scoring {name}", total=None, start=False, speed="-")

        def progress(done: int, total: int | None) -> None:
            if not bar.tasks[0].started:  # rows of an earlier run are no speed of this one
                bar.reset(task, total=total, completed=done, speed="-")
                return
            found = bar.tasks[0].speed
            bar.update(task, completed=done, total=total, speed=f"{found:,.0f}" if found else "-")

        yield progress, lambda sentence: console.print(f"{name}: {sentence}", highlight=False)


class _Lines:
    """A line now and then."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.first: tuple[int, float] | None = None
        self.last = 0.0

    def progress(self, done: int, total: int | None) -> None:
        """Take note, and say it if the last line is some seconds old."""
        at = time.monotonic()
        if self.first is None:
            self.first, self.last = (done, at), at
        elif at - self.last >= _SECONDS:
            self.last = at
            rate = (done - self.first[0]) / (at - self.first[1])
            left = f", {(total - done) / rate:,.0f} s left" if total is not None and rate else ""
            of = f" of {total:,}" if total is not None else ""
            _write(f"{self.name}: {done:,}{of} rows, {rate:,.0f} rows/s{left}")


def _write(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()

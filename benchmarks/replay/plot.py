"""The replay as a picture: loss over time, with a mark at each training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.replay.scores import rolling_loss
from benchmarks.replay.strategies import Replayed
from estate.core.frame import Numbers

ROLLING = 1000
_COLOURS = ("tab:red", "tab:blue", "tab:green")


def draw(
    y: Numbers, dates: Sequence[str], replayed: Sequence[Replayed], floors: Mapping[str, Numbers], path: Path
) -> Path:
    """Draw into a PNG file.

    Parameters
    ----------
    y : float64 array of shape (n,)
    dates : sequence of str
        Month of each row, for the axis: time is counted in calls, since most calls fall into a few months.
    replayed : sequence of Replayed
    floors : mapping
        Answers of shape (n,) by name.
    path : Path
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.5), layout="constrained")  # without pyplot: no state, no display
    axes, marks = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    rows = min(ROLLING, len(y))
    x = np.arange(rows, len(y) + 1)
    for (name, p), style in zip(floors.items(), ("--", ":"), strict=False):
        axes.plot(x, rolling_loss(y, p, rows=rows), color="grey", linestyle=style, linewidth=1.2, label=name)
    for place, (one, colour) in enumerate(zip(replayed, _COLOURS, strict=False)):
        axes.plot(x, rolling_loss(y, one.p, rows=rows), color=colour, label=one.name)
        _mark(marks, one, place, colour)
    axes.set(title="call_conversion, replayed", ylabel=f"log loss of the latest {rows} calls")
    axes.legend()
    axes.grid(alpha=0.3)
    marks.set(
        xlabel="replayed calls and their month; o: trained and promoted, x: refused by the gate",
        ylim=(-0.6, len(replayed) - 0.4),
    )
    marks.set_yticks(range(len(replayed)), [one.name for one in replayed])
    ticks = np.linspace(0, len(y) - 1, 12).astype(int)
    marks.set_xticks(ticks, [f"{tick:,}\n{dates[tick]}" for tick in ticks], fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    return path


def _mark(axes: Any, one: Replayed, place: int, colour: str) -> None:
    for passed, marker in ((True, "o"), (False, "x")):
        at = [training.row for training in one.trainings if training.passed is passed]
        axes.plot(at, [place] * len(at), marker, color=colour, markersize=5, alpha=0.7)

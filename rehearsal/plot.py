"""Loss over time for each way of retraining, with a mark for whatever happened."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np

from estate.core.frame import Numbers
from estate.core.prediction import Scores
from estate.training.metrics import METRICS
from rehearsal.events import Event, Replayed
from rehearsal.rehearse import Rehearsal

_COLOURS = ("tab:green", "tab:red", "tab:blue", "tab:orange", "tab:purple")
_MARKS = {"alarm": "^", "held": ".", "promoted": "o", "refused": "x"}


def draw(made: Rehearsal) -> bytes:
    """Return a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 7), layout="constrained")  # without pyplot: no state, no display
    axes, marks = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1.4))
    rows = max(1, min(1000, len(made.y) // 20))
    x = np.arange(rows, len(made.y) + 1)
    metric = METRICS[made.recording.spec.task][0]
    assert metric.per_row is not None, "the first metric of each task is a mean over rows"
    for one, colour in zip(made.replayed, _COLOURS, strict=False):
        losses = metric.per_row(made.y, Scores(one.p))
        axes.plot(x, _rolling(losses, rows), color=colour, linewidth=1.2, label=one.name)
    axes.set(title=made.recording.spec.name, ylabel=f"{metric.name} of the latest {rows:,} rows")
    axes.legend()
    axes.grid(alpha=0.3)
    _events(marks, made.replayed[0].events)
    _naive(marks, made.replayed[1:])
    _months(marks, made)
    out = BytesIO()
    figure.savefig(out, format="png", dpi=100)
    return out.getvalue()


def _rolling(losses: Numbers, rows: int) -> Numbers:
    sums = np.concatenate([[0.0], np.cumsum(losses)])
    rolled: Numbers = (sums[rows:] - sums[:-rows]) / rows
    return rolled


def _events(axes: Any, events: tuple[Event, ...]) -> None:
    for place, (kind, mark) in enumerate(_MARKS.items()):
        at = [event.row for event in events if event.kind == kind]
        axes.plot(at, [-place] * len(at), mark, color=_COLOURS[0], markersize=5, alpha=0.7)


def _naive(axes: Any, others: tuple[Replayed, ...]) -> None:
    for place, (one, colour) in enumerate(zip(others, _COLOURS[1:], strict=False)):
        at = [training.row for training in one.trainings]
        axes.plot(at, [-len(_MARKS) - place] * len(at), "|", color=colour, markersize=6, alpha=0.7)
    names = [f"leadloop: {kind}" for kind in _MARKS] + [f"{one.name}: trained" for one in others]
    axes.set_yticks([-place for place in range(len(names))], names, fontsize=8)
    axes.set_ylim(-len(names) + 0.4, 0.6)


def _months(axes: Any, made: Rehearsal) -> None:
    ticks = np.linspace(0, len(made.y) - 1, 12).astype(int)
    dates = made.times[ticks].astype("datetime64[us]").astype("datetime64[D]")
    axes.set_xticks(ticks, [f"{tick:,}\n{date}" for tick, date in zip(ticks, dates, strict=True)], fontsize=8)
    axes.set_xlabel("replayed rows and their day")

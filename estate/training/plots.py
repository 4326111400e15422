"""Pictures of how a version did on its holdout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from estate.core.frame import Numbers
from estate.core.model_spec import Task
from estate.core.prediction import Scores


def draw_plots(
    task: Task, y: Numbers, scores: Scores, importance: Mapping[str, float], *, folder: Path
) -> list[Path]:
    """Draw what the task has into PNG files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [_importance(importance, folder)]
    if task is Task.BINARY:
        drawn += [
            _calibration(y, scores.score, folder),
            _curves(y, scores.score, folder),
            _gains(y, scores.score, folder),
        ]
    if task is Task.REGRESSION:
        drawn.append(_predicted(y, scores.score, folder))
    return drawn


def _figure(title: str, x: str, y: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4.5), layout="constrained")  # without pyplot: no state, safe in any thread
    axes = figure.subplots()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    return figure, axes


def _save(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=110)
    return path


def _calibration(y: Numbers, p: Numbers, folder: Path) -> Path:
    figure, axes = _figure("Calibration on the holdout", "predicted probability", "share that came true")
    bins = [rows for rows in np.array_split(np.argsort(p, kind="stable"), 10) if len(rows)]
    means = np.array([(p[rows].mean(), y[rows].mean(), len(rows)) for rows in bins])
    spread = 1.645 * np.sqrt(means[:, 1] * (1 - means[:, 1]) / means[:, 2])
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="perfect")
    axes.errorbar(means[:, 0], means[:, 1], yerr=spread, marker="o", capsize=3, label="tenths of rows, 90 %")
    limit = min(1.0, 1.15 * float(max(means[:, 0].max(), (means[:, 1] + spread).max())))
    axes.set(xlim=(0, limit), ylim=(0, limit))
    axes.legend()
    return _save(figure, folder / "calibration.png")


def _curves(y: Numbers, p: Numbers, folder: Path) -> Path:
    from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

    figure, axes = _figure("ROC and precision-recall on the holdout", "false positives | recall", "")
    false_rate, true_rate, _ = roc_curve(y, p)
    precision, recall, _ = precision_recall_curve(y, p)
    axes.plot(false_rate, true_rate, label=f"ROC, area {roc_auc_score(y, p):.3f}")
    axes.plot(recall, precision, label=f"precision-recall, area {average_precision_score(y, p):.3f}")
    axes.axhline(y.mean(), color="grey", linestyle="--", label=f"share of positives {y.mean():.3f}")
    axes.legend()
    return _save(figure, folder / "roc_pr.png")


def _gains(y: Numbers, p: Numbers, folder: Path) -> Path:
    figure, axes = _figure(
        "Cumulative gains on the holdout", "share of rows, highest scores first", "share of positives"
    )
    found = np.concatenate([[0.0], np.cumsum(y[np.argsort(-p, kind="stable")]) / max(y.sum(), 1)])
    axes.plot(np.linspace(0, 1, len(found)), found, label="this version")
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="at random")
    axes.legend()
    return _save(figure, folder / "gains.png")


def _importance(worth: Mapping[str, float], folder: Path) -> Path:
    figure, axes = _figure("What the model looks at", "loss when the feature is shuffled", "")
    top = list(worth.items())[:15][::-1]
    axes.barh([name for name, _ in top], [value for _, value in top])
    return _save(figure, folder / "importance.png")


def _predicted(y: Numbers, value: Numbers, folder: Path) -> Path:
    figure, axes = _figure("Predicted and true on the holdout", "predicted", "true")
    axes.scatter(value, y, s=8, alpha=0.4)
    ends = [float(min(y.min(), value.min())), float(max(y.max(), value.max()))]
    axes.plot(ends, ends, color="grey", linestyle="--")
    return _save(figure, folder / "predicted.png")

"""Quality over time as a picture: what labels say, what scores let expect, and how ripe it is."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from estate.core.errors import DataError
from estate.core.evidence import Evidence, Measure
from estate.store.quality_points import QualityPoint

_SHOWN = ("roc_auc", "calibration_slope")


def draw_quality(
    points: Sequence[QualityPoint], metric: str, path: Path, *, evidence: Evidence | None = None
) -> Path:
    """Draw weekly points of one version into a PNG, or into an HTML page that needs no network.

    Parameters
    ----------
    points : sequence of QualityPoint
        Of weeks; slices are left out.
    metric : str
        The one that is judged; ROC AUC and the calibration's slope are drawn below where they were measured.
    path : Path
        Ends in ``.png`` or ``.html``.

    Raises
    ------
    DataError
        If there is nothing to draw, or the path ends in neither.
    """
    if path.suffix not in {".png", ".html"}:
        expected = "a name that ends in .png or .html"
        raise DataError(f"plot {path}", expected=expected, got=path.suffix or "none")
    whole = [point for point in points if point.slice is None]
    if not whole:
        raise DataError(
            f"plot {path}", expected="a week with enough answers", got="none", todo="Ask for more `--weeks`."
        )
    title = f"{whole[0].model} version {whole[0].version}, as known on {whole[0].at:%Y-%m-%d}"
    image = _figure(whole, metric, title, evidence)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        path.write_bytes(image)
    else:
        path.write_text(_page(title, image))
    return path


def _figure(points: Sequence[QualityPoint], metric: str, title: str, evidence: Evidence | None) -> bytes:
    from matplotlib.figure import Figure

    known = {point.metric for point in points}
    names = [metric, *(name for name in _SHOWN if name in known and name != metric)]
    figure = Figure(figsize=(10, 2.2 + 2.2 * len(names)), layout="constrained")  # without pyplot: no state
    panels = figure.subplots(len(names) + 1, 1, sharex=True, squeeze=False)[:, 0]
    figure.suptitle(title)
    for axes, name in zip(panels, names, strict=False):
        _metric(axes, [point for point in points if point.metric == name], name, _baseline(evidence, name))
    _maturity(panels[-1], points)
    panels[-1].tick_params(axis="x", rotation=30)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110)
    return buffer.getvalue()


def _metric(axes: Any, points: Sequence[QualityPoint], name: str, baseline: Measure | None) -> None:
    if baseline is not None:
        axes.axhspan(baseline.low, baseline.high, color="grey", alpha=0.2, label="holdout, 90 %")
        axes.axhline(baseline.value, color="grey", linewidth=1)
    if name == "calibration_slope":
        axes.axhline(1.0, color="grey", linewidth=1, linestyle="--", label="calibrated")
    for kind, colour, shift in (("estimated", "tab:orange", -0.1), ("realised", "tab:blue", 0.1)):
        of = sorted((point for point in points if point.kind == kind), key=lambda point: point.window_from)
        if of:
            x = [_middle(point, shift) for point in of]
            y = [point.value for point in of]
            ends = [
                [v - (v if p.low is None else p.low) for v, p in zip(y, of, strict=True)],
                [(v if p.high is None else p.high) - v for v, p in zip(y, of, strict=True)],
            ]
            ends = [[max(0.0, end) for end in side] for side in ends]
            axes.errorbar(x, y, yerr=ends, color=colour, marker="o", capsize=3, label=f"{kind}, 90 %")
    axes.set_ylabel(name)
    axes.grid(alpha=0.3)
    axes.legend(loc="best", fontsize=8)


def _maturity(axes: Any, points: Sequence[QualityPoint]) -> None:
    weeks = {point.window_from: point for point in points}
    x = [_middle(weeks[start], 0.0) for start in sorted(weeks)]
    shares = [weeks[start].mature_share for start in sorted(weeks)]
    axes.bar(x, shares, width=5.0, color="tab:green", alpha=0.6)
    axes.set(ylim=(0, 1), ylabel="ripe share", xlabel="week of the answers")
    axes.grid(alpha=0.3)


def _middle(point: QualityPoint, shift: float) -> Any:
    return point.window_from + (0.5 + shift) * (point.window_to - point.window_from)


def _baseline(evidence: Evidence | None, name: str) -> Measure | None:
    return next((one for one in evidence.measures if one.name == name), None) if evidence else None


def _page(title: str, image: bytes) -> str:
    source = base64.b64encode(image).decode()
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
    picture = f"data:image/png;base64,{source}"
    return f'{head}<img alt="{escape(title)}" style="max-width:100%" src="{picture}"></html>'

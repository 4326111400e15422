"""The report of a rehearsal: one HTML page that needs nothing else, and the same as JSON."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import asdict
from html import escape
from pathlib import Path

from rehearsal.events import Event
from rehearsal.plot import draw
from rehearsal.rehearse import Rehearsal

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:75em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;margin:1em 0}"
    "td,th{border-bottom:1px solid #ddd;padding:.25em .7em;text-align:left;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}img{max-width:100%}"
)


def write_report(made: Rehearsal, folder: Path) -> Path:
    """Write ``rehearsal.html``, ``rehearsal.json`` and ``rehearsal.png``; returns the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = draw(made)
    (folder / "rehearsal.png").write_bytes(picture)
    (folder / "rehearsal.json").write_text(json.dumps(as_json(made), indent=1, default=str))
    page = folder / "rehearsal.html"
    page.write_text(_page(made, picture))
    return page


def as_json(made: Rehearsal) -> dict[str, object]:
    """Return everything but the single answers."""
    ours = made.replayed[0]
    return {
        "model": made.recording.spec.name,
        "from": made.steps[0].moment,
        "to": made.steps[-1].moment,
        "steps": len(made.steps),
        "rows_replayed": len(made.y),
        "rows": made.rows(),
        "events": [asdict(event) for event in ours.events],
        "trainings": [asdict(training) for training in ours.trainings],
    }


def _page(made: Rehearsal, picture: bytes) -> str:
    spec, ours = made.recording.spec, made.replayed[0]
    image = base64.b64encode(picture).decode()
    return "\n".join(
        [
            f"<!doctype html><meta charset=utf-8><title>Rehearsal of {escape(spec.name)}</title>",
            f"<style>{_STYLE}</style><h1>Rehearsal of {escape(spec.name)}</h1>",
            f"<p>{len(made.y):,} rows in {len(made.steps):,} steps of {made.recording.step_days:g} days, "
            f"{made.steps[0].moment:%Y-%m-%d} to {made.steps[-1].moment:%Y-%m-%d}. Each row was answered by "
            "the version in use at its time; no training knew an outcome before it was ripe. "
            "<b>leadloop</b> is the platform's own watch, governor, training, gate and promotion; the others "
            "train on a fixed rhythm and use what comes out.</p>",
            _table(made),
            f'<img alt="loss over time" src="data:image/png;base64,{image}">',
            "<h2>Alarms by finding</h2>",
            _codes(ours.events),
            "<h2>What happened</h2>",
            _events(ours.events),
        ]
    )


def _table(made: Rehearsal) -> str:
    rows = made.rows()
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in rows[0])
    body = "".join("<tr>" + "".join(_cell(value) for value in row.values()) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: object) -> str:
    number = isinstance(value, int | float)
    return f"<td{' class=n' if number else ''}>{escape(str(value))}</td>"


def _codes(events: tuple[Event, ...]) -> str:
    counted = Counter(code for event in events for code in event.codes)
    if not counted:
        return "<p>None.</p>"
    rows = "".join(f"<tr><td>{code}<td class=n>{times}</tr>" for code, times in sorted(counted.items()))
    return f"<table><tr><th>code<th>passes</tr>{rows}</table>"


def _events(events: tuple[Event, ...]) -> str:
    rows = "".join(
        f"<tr><td>{event.moment:%Y-%m-%d %H:%M}<td class=n>{event.row:,}<td>{event.kind}"
        f"<td>{escape(event.text)}</tr>"
        for event in events
    )
    return f"<table><tr><th>moment<th>after rows<th>what<th>why</tr>{rows}</table>"

"""One page over a model's passes: what was decided and found, with links to the reports that are kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

from estate.core.settings import Settings
from estate.store.database import Database
from estate.store.watch_passes import WatchPass, list_passes
from monitoring.kept_reports import remove_old_reports, reports_folder
from monitoring.report import HTML

PAGE = "index.html"
_SHOWN = 500
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem;
  color: #1d2329 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #d9dee3 }
ul { margin: 0; padding-left: 1.1rem }
.strip { display: flex; gap: 2px; margin: 1rem 0 }
.strip a, .strip span { flex: 1 1 0; max-width: 1rem; height: 1.6rem }
.quiet { background: #b7d9bd } .too_few { background: #d9dee3 }
.mix, .moved { background: #cfe0f2 }
.drift, .worse { background: #f2c063 } .broken_data { background: #e0776b }
td.decision { white-space: nowrap }
"""
_WORDS = {
    "quiet": "quiet",
    "too_few": "cannot judge",
    "broken_data": "broken data",
    "mix": "other mix",
    "moved": "moved, costs nothing",
    "drift": "drift",
    "worse": "quality fell",
}


def keep_reports(settings: Settings, database: Database, model: str) -> Path:
    """Remove a model's oldest reports and write its page anew; returns the page.

    Raises
    ------
    StoreError
        If the database can't be reached.
    """
    folder = reports_folder(settings.home, model)
    remove_old_reports(folder, keep=settings.reports_kept)
    with database.begin() as connection:
        passes = list_passes(connection, model, limit=_SHOWN)
    folder.mkdir(parents=True, exist_ok=True)
    page, new = folder / PAGE, folder / f".{PAGE}.{os.getpid()}"
    new.write_text(page_of(model, passes, folder), encoding="utf-8")
    new.replace(page)  # whoever reads it sees the old page or the new one
    return page


def page_of(model: str, passes: Sequence[WatchPass], folder: Path) -> str:
    """Return the page: a strip of decisions, oldest first, and a row a pass, newest first.

    Parameters
    ----------
    passes : sequence of WatchPass
        Newest first.
    folder : Path
        In which the page will lie: links are relative to it.
    """
    strip = "".join(_mark(one, folder) for one in reversed(passes))
    rows = "".join(_row(one, folder) for one in passes) or '<tr><td colspan="5">No pass yet.</td></tr>'
    title = escape(f"Watch of {model}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f'<h1>{title}</h1><div class="strip">{strip}</div><table><thead><tr><th>at (UTC)</th>'
        f"<th>decision</th><th>version</th><th>predictions</th><th>findings</th></tr></thead><tbody>{rows}</tbody></table>"
        "</body></html>\n"
    )


def report_of(made: WatchPass) -> Path | None:
    """Return the HTML report of a pass; None if it had none, or it is not kept any more."""
    page = Path(made.report) / HTML if made.report else None
    return page if page and page.is_file() else None


def _row(made: WatchPass, folder: Path) -> str:
    when = f"{made.at:%Y-%m-%d %H:%M}"
    link = _link(made, folder)
    shown = f'<a href="{link}">{when}</a>' if link else when
    found = "".join(f"<li><b>{escape(f.code)}</b> {escape(f.sentence)}</li>" for f in made.findings)
    return (
        f'<tr><td>{shown}</td><td class="decision {escape(made.decision)}">{_words(made)}</td>'
        f"<td>{escape(made.version)}</td><td>{made.rows}</td><td><ul>{found}</ul></td></tr>"
    )


def _mark(made: WatchPass, folder: Path) -> str:
    link = _link(made, folder)
    said = f'class="{escape(made.decision)}" title="{made.at:%Y-%m-%d %H:%M}: {_words(made)}"'
    return f'<a {said} href="{link}"></a>' if link else f"<span {said}></span>"


def _words(made: WatchPass) -> str:
    return escape(_WORDS.get(made.decision, made.decision))


def _link(made: WatchPass, folder: Path) -> str | None:
    page = report_of(made)
    return escape(os.path.relpath(page.resolve(), folder.resolve())) if page else None

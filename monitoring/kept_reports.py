"""The reports of a model over time: which are kept, which are removed."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path
from time import time

log = logging.getLogger(__name__)

# As the watch names them: when the report was made, so that names sort by time.
_NAME = re.compile(r"\d{8}T\d{12}Z")
_REMOVED = ".removed-"
_UNTOUCHED_SECONDS = 3600.0


def reports_folder(home: Path, model: str) -> Path:
    """Return where the reports of a model lie."""
    return home / "reports" / model


def remove_old_reports(folder: Path, *, keep: int) -> list[Path]:
    """Remove all but the newest reports of a model; returns what was removed.

    One that was touched within the last hour is left: it may be being written, on whatever clock. A report is
    moved aside before it is removed, so nobody sees half of one; what a killed removal left is removed next
    time.
    Nothing is removed that the watch did not name.

    Parameters
    ----------
    folder : Path
        Of one model; need not be there.
    keep : int
        At least 1.
    """
    if not folder.is_dir():
        return []
    for left in folder.glob(f"{_REMOVED}*"):
        shutil.rmtree(left, ignore_errors=True)
    made = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and not path.is_symlink())
    removed = [path for path in made[: max(0, len(made) - max(1, keep))] if _is_finished(path)]
    return [path for path in removed if _remove(path)]


def _is_finished(path: Path) -> bool:
    try:
        touched = max(part.stat().st_mtime for part in (path, *path.iterdir()))
    except OSError:  # another process removes it right now
        return False
    return path.is_dir() and touched < time() - _UNTOUCHED_SECONDS


def _remove(path: Path) -> bool:
    aside = path.with_name(f"{_REMOVED}{path.name}")
    try:
        path.rename(aside)
    except OSError as error:
        log.warning("report not removed folder=%s error=%s", path, type(error).__name__)
        return False
    shutil.rmtree(aside, ignore_errors=True)
    return True

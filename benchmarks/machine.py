"""Where a number was measured, and by which code."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

_ROOT = Path(__file__).parent.parent


def machine() -> str:
    """Return processor, number of cores, memory, system and Python in one line."""
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB, "
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{_processor()}, {os.cpu_count()} cores, {memory}{system}"


def commit() -> str:
    """Return the short hash of the checked-out commit, ``+changes`` where files differ; else ``unknown``."""
    found = _git("rev-parse", "--short", "HEAD")
    if not found:
        return "unknown"
    return f"{found}+changes" if _git("status", "--porcelain", "--untracked-files=no") else found


def _git(*words: str) -> str:
    try:
        ran = subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return ran.stdout.strip() if ran.returncode == 0 else ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())

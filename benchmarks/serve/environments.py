"""Environments of the peers that can't share ours, made once and kept in a folder of the benchmark's own."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from estate.core.errors import StackError

_TOOL = Path(sys.prefix) / "tools" / "bin" / "uv"
_SECONDS = 900


def cache() -> Path:
    """Return the folder; ``LEADLOOP_BENCH_CACHE`` moves it."""
    return Path(os.environ.get("LEADLOOP_BENCH_CACHE", Path.home() / ".cache" / "leadloop-bench"))


def python_with(name: str, requirements: Path) -> Path:
    """Return the Python of an environment that has these requirements; it is made if it is not there.

    Raises
    ------
    StackError
        If it can't be made; with the installer's last words.
    """
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = cache() / f"{name}-{digest}"
    python = folder / "bin" / "python"
    if (folder / "complete").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    uv = str(_TOOL) if _TOOL.exists() else shutil.which("uv")
    if uv:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], name)
        _run(
            [
                uv,
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                "--python",
                str(python),
                "-r",
                str(requirements),
            ],
            name,
        )
    else:
        _run([sys.executable, "-m", "venv", str(folder)], name)
        _run([str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)], name)
    (folder / "complete").touch()
    return python


def _run(command: list[str], name: str) -> None:
    variables = {**os.environ, "UV_CACHE_DIR": str(cache() / "uv")}
    try:
        ran = subprocess.run(
            command, env=variables, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        words = (ran.stderr or ran.stdout).strip().splitlines()[-1:] if ran.returncode else []
    except (OSError, subprocess.TimeoutExpired) as error:
        words = [type(error).__name__]
    if words:
        raise StackError(f"environment of {name}", expected="to be installed", got=words[0][:200])

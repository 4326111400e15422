"""The list of a folder's files with their SHA-256: what the evidence is bound to."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path, PurePosixPath

from estate.core.errors import ArtifactError

MANIFEST = "manifest.json"
MOST_FILES = 1000
MOST_BYTES = 1_000_000
"""Of the manifest itself."""
_CHANGED = "The artifact was changed after training: do not use it; promote another version."
_HEX = frozenset("0123456789abcdef")


def write_manifest(folder: Path) -> str:
    """List every file below a folder with its SHA-256 and return the digest of the list.

    Raises
    ------
    ArtifactError
        If something there is neither a file nor a folder, such as a link.
    """
    digests = _found(folder)
    (folder / MANIFEST).write_text(_canonical(digests))
    return _digest(digests)


def check_manifest(folder: Path, *, digest: str | None = None) -> str:
    """Return the digest of a folder that is as it was when its manifest was written.

    Parameters
    ----------
    digest : str, optional
        What the manifest must have; the one in the evidence.

    Raises
    ------
    ArtifactError
        If a file is missing, changed, not listed or a link, or the list is another one.
    """
    try:
        listed = _listed(folder)
        found = _found(folder)
    except OSError as error:
        raise ArtifactError(f"folder {folder}", expected="readable files", got=str(error)) from error
    for name in sorted({*listed, *found}):
        if not hmac.compare_digest(listed.get(name, ""), found.get(name, "")):
            raise ArtifactError(
                f"file {name} of {folder}",
                expected=f"sha256 {listed.get(name, 'none: it is not in the manifest')}",
                got=found.get(name, "no such file"),
                todo=_CHANGED,
            )
    whole = _digest(listed)
    if digest is not None and not hmac.compare_digest(whole, digest):
        raise ArtifactError(f"files of {folder}", expected=f"digest {digest}", got=whole, todo=_CHANGED)
    return whole


def _listed(folder: Path) -> dict[str, str]:
    path = folder / MANIFEST
    try:
        if path.is_symlink() or path.stat().st_size > MOST_BYTES:
            raise ValueError("a link, or too long")
        listed = json.loads(path.read_bytes())
        if not isinstance(listed, dict) or len(listed) > MOST_FILES:
            raise ValueError("no object, or too many files")
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(
            f"folder {folder}",
            expected=f"a readable {MANIFEST}",
            got=str(error) if isinstance(error, ValueError) else type(error).__name__,
            todo="Train again.",
        ) from error
    for name, digest in listed.items():
        if not _inside(name) or not _is_digest(digest):
            raise ArtifactError(
                f"{MANIFEST} of {folder}",
                expected="paths inside the folder, each with its sha256",
                got=f"{name!r}: {digest!r}",
                todo=_CHANGED,
            )
    return listed


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    plain = str(path) == name and "\\" not in name and "\0" not in name
    return plain and not path.is_absolute() and ".." not in path.parts and name not in (".", MANIFEST)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= _HEX


def _found(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ArtifactError(
                f"{name} of {folder}", expected="a file or a folder", got="a link or a device", todo=_CHANGED
            )
        if path.is_file() and name != MANIFEST:
            found[name] = _sha256(path)
        if len(found) > MOST_FILES:
            raise ArtifactError(f"folder {folder}", expected=f"at most {MOST_FILES} files", got="more")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _canonical(digests: dict[str, str]) -> str:
    return json.dumps(digests, sort_keys=True, indent=1)


def _digest(digests: dict[str, str]) -> str:
    return hashlib.sha256(_canonical(digests).encode()).hexdigest()

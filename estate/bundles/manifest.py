"""The list of a bundle's files with their SHA-256: what the evidence is bound to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from estate.core.errors import ArtifactError

MANIFEST = "manifest.json"


def write_manifest(folder: Path) -> str:
    """List every file of the folder with its SHA-256 and return the digest of the list."""
    digests = {path.name: _sha256(path) for path in _files(folder)}
    (folder / MANIFEST).write_text(_canonical(digests))
    return _digest(digests)


def check_manifest(folder: Path) -> str:
    """Return the digest of an intact bundle.

    Raises
    ------
    ArtifactError
        If a file is missing, changed or not listed.
    """
    try:
        listed: dict[str, str] = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"bundle {folder}",
            expected=f"a readable {MANIFEST}",
            got=type(error).__name__,
            todo="Train again.",
        ) from error
    found = {path.name: _sha256(path) for path in _files(folder)}
    for name in sorted({*listed, *found}):
        if listed.get(name) != found.get(name):
            raise ArtifactError(
                f"file {name} of bundle {folder}",
                expected=f"sha256 {listed.get(name, 'none: it is not in the manifest')}",
                got=found.get(name, "no such file"),
                todo="The artifact was changed after training: do not use it; promote another version.",
            )
    return _digest(listed)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name != MANIFEST)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _canonical(digests: dict[str, str]) -> str:
    return json.dumps(digests, sort_keys=True, indent=1)


def _digest(digests: dict[str, str]) -> str:
    return hashlib.sha256(_canonical(digests).encode()).hexdigest()

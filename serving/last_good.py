"""What a serving process remembers on disk, so that it can answer alone after a restart."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from estate.core.errors import ArtifactError

Fetch = Callable[[str, str, Path], Path]
"""From model, version and a folder that is not there yet to the folder of the verified bundle."""

_CURRENT = "current.json"


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """The last version of a model that passed its golden rows here, and who put it into production."""

    model: str
    version: str
    digest: str
    since: datetime | None = None
    who: str | None = None
    why: str | None = None


class Disk:
    """Bundles by model and version, and the last good one of each model.

    Parameters
    ----------
    folder : Path
        ``<home>/serving/models``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bundle(self, model: str, version: str) -> Path:
        """Return where a version's bundle is kept.

        Raises
        ------
        ArtifactError
            If the version can't be a folder's name.

        Examples
        --------
        >>> Disk(Path("models")).bundle("churn", "../../etc")
        Traceback (most recent call last):
        estate.core.errors.ArtifactError: version of `churn`: expected letters, digits, `.`, `_`, `-`, \
got '../../etc'.
        """
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", version):
            raise ArtifactError(
                f"version of `{model}`", expected="letters, digits, `.`, `_`, `-`", got=repr(version)
            )
        return self.folder / model / version

    def obtain(self, model: str, version: str, fetch: Fetch) -> Path:
        """Return a version's bundle, fetched if it is not here; a half fetched one is never seen."""
        target = self.bundle(model, version)
        if target.is_dir():
            return target
        partial = target.with_name(f".{version}.{uuid.uuid4().hex[:8]}")
        partial.mkdir(parents=True)
        try:
            fetched = fetch(model, version, partial / "bundle")
            try:
                fetched.rename(target)
            except OSError:  # another serving process of this home fetched it meanwhile
                if not target.is_dir():
                    raise
        finally:
            shutil.rmtree(partial, ignore_errors=True)
        return target

    def discard(self, model: str, version: str) -> None:
        """Remove a bundle that turned out bad, so that the next try fetches it anew."""
        shutil.rmtree(self.bundle(model, version), ignore_errors=True)

    def remember(self, good: Remembered) -> None:
        """Make this the last good version; readers see the old or the new one, never half of it."""
        path = self.folder / good.model / _CURRENT
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{uuid.uuid4().hex[:8]}.json")
        with partial.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(good), indent=1))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def forget(self, model: str) -> None:
        """Remember no version of this model."""
        (self.folder / model / _CURRENT).unlink(missing_ok=True)

    def recall(self, model: str) -> Remembered | None:
        """Return the last good version; None if there is none or it can't be read."""
        try:
            return msgspec.json.decode((self.folder / model / _CURRENT).read_bytes(), type=Remembered)
        except (OSError, msgspec.MsgspecError):
            return None

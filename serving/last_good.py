"""What a serving process remembers on disk, so that it can answer alone after a restart.

::

    <home>/serving/models/<model>/<version>/               bundle, as it was fetched
    <home>/serving/models/<model>/<version>.evidence.json  what vouches for it, signed
    <home>/serving/models/<model>/current.json             which version was the last good one
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

import msgspec

from estate.core.errors import ArtifactError
from estate.core.evidence import Evidence
from estate.signing import Signature
from estate.store.evidence import SignedEvidence

Fetch = Callable[[str, str, Path], Path]
"""From model, version and a folder that is not there yet to the folder of the verified bundle."""

_CURRENT = "current.json"
_VERSION = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}"
_KEPT = 3


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """The last version of a model that passed its golden rows here, and who put it into production."""

    model: str
    version: str
    digest: str
    since: datetime | None = None
    who: str | None = None
    why: str | None = None


class KeptEvidence(msgspec.Struct, frozen=True):
    """Evidence as the gate wrote it, with the signature over exactly this text."""

    document: str
    key_id: str | None
    signature: str | None


class Disk:
    """Bundles by model and version with their evidence, and the last good one of each model.

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
        if not re.fullmatch(_VERSION, version) or version.endswith(".json"):
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

    def keep_evidence(self, model: str, version: str, signed: SignedEvidence) -> None:
        """Keep a version's evidence beside its bundle: what vouches for it where the database is away."""
        signature = signed.signature
        kept = KeptEvidence(
            signed.document or signed.evidence.to_json(),
            signature.key_id if signature else None,
            signature.value if signature else None,
        )
        _write(self._evidence(model, version), kept)

    def recall_evidence(self, model: str, version: str) -> SignedEvidence | None:
        """Return the evidence beside a bundle, not checked yet; None if there is none.

        Raises
        ------
        ArtifactError
            If it can't be read.
        """
        path = self._evidence(model, version)
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=KeptEvidence)
            signature = Signature(kept.key_id, kept.signature) if kept.key_id and kept.signature else None
            return SignedEvidence(Evidence.from_json(kept.document), signature, kept.document)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ArtifactError(
                f"evidence {path}", expected="a readable document", got=type(error).__name__
            ) from error

    def remember(self, good: Remembered) -> None:
        """Make this the last good version; readers see the old or the new one, never half of it."""
        _write(self.folder / good.model / _CURRENT, good)
        bundle = self.bundle(good.model, good.version)
        if bundle.is_dir():
            os.utime(bundle)

    def forget(self, model: str) -> None:
        """Remember no version of this model."""
        (self.folder / model / _CURRENT).unlink(missing_ok=True)

    def recall(self, model: str) -> Remembered | None:
        """Return the last good version; None if there is none or it can't be read."""
        try:
            return msgspec.json.decode((self.folder / model / _CURRENT).read_bytes(), type=Remembered)
        except (OSError, msgspec.MsgspecError):
            return None

    def prune(self, model: str, needed: Collection[str]) -> None:
        """Remove old bundles: all but the needed ones, the last good one and the three used last."""
        bundles = [path for path in (self.folder / model).iterdir() if path.is_dir()]
        bundles = [path for path in bundles if re.fullmatch(_VERSION, path.name)]
        newest = sorted(bundles, key=lambda path: path.stat().st_mtime, reverse=True)[:_KEPT]
        good = self.recall(model)
        kept = {*needed, *(path.name for path in newest), *([good.version] if good else [])}
        for path in bundles:
            if path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)
                self._evidence(model, path.name).unlink(missing_ok=True)

    def _evidence(self, model: str, version: str) -> Path:
        bundle = self.bundle(model, version)
        return bundle.with_name(f"{bundle.name}.evidence.json")


def _write(path: Path, value: msgspec.Struct) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{uuid.uuid4().hex[:8]}.json")
    with partial.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(value), indent=1))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)

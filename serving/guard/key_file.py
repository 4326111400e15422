"""The file of API keys: serving needs nothing else to know them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from estate.core.clock import now
from estate.core.errors import SettingsError
from estate.core.settings import Settings
from serving.guard.api_key import ApiKey, KeyTerms, make_key


class _Kept(msgspec.Struct, frozen=True):
    keys: list[ApiKey]


@dataclass(frozen=True)
class KeyFile:
    """Keys in a JSON file that only its owner can read; replaced as a whole.

    Parameters
    ----------
    path : Path
    """

    path: Path

    def read(self) -> Sequence[ApiKey]:
        """Return every key that was ever made, in that order; none if there is no file.

        Raises
        ------
        SettingsError
            If the file can't be read.
        """
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=_Kept).keys
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.MsgspecError, ValueError) as error:
            # Not the error's text: it may quote the file.
            todo = "Restore it, or remove it and create the keys anew."
            raise SettingsError(
                f"API keys {self.path}", expected="a readable file", got=type(error).__name__, todo=todo
            ) from error

    def create(self, terms: KeyTerms) -> tuple[ApiKey, str]:
        """Make a key and keep it; returns it with what its owner must present.

        Raises
        ------
        SettingsError
            If a key of that name is in use.
        """
        with self._alone():
            keys = self.read()
            if any(key.name == terms.name and key.revoked is None for key in keys):
                todo = "Choose another name, or revoke that one first."
                raise SettingsError(
                    f"API key `{terms.name}`", expected="a new name", got="one in use", todo=todo
                )
            made, presented = make_key(terms, number=len(keys) + 1)
            self._write([*keys, made])
        return made, presented

    def revoke(self, name: str) -> ApiKey:
        """End a key; its line stays.

        Raises
        ------
        SettingsError
            If no key of that name is in use.
        """
        with self._alone():
            keys = self.read()
            found = next((key for key in keys if key.name == name and key.revoked is None), None)
            if found is None:
                names = ", ".join(key.name for key in keys if key.revoked is None) or "none"
                raise SettingsError(f"API key `{name}`", expected=f"one in use ({names})", got="no such name")
            revoked = msgspec.structs.replace(found, revoked=now())
            self._write([revoked if key is found else key for key in keys])
        return revoked

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold off other commands; the kernel lets go of the lock however this one ends."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, keys: list[ApiKey]) -> None:
        new = self.path.with_suffix(".new")
        new.unlink(missing_ok=True)  # left behind by a command that was killed
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(_Kept(keys)), indent=1))
            file.flush()
            os.fsync(descriptor)
        new.replace(self.path)


def key_file(settings: Settings) -> KeyFile:
    """Return the key file of an installation."""
    return KeyFile(settings.home / "serving" / "api_keys.json")

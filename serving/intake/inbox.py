"""Events that wait on disk while the database is away: a CRM does not send them a second time.

One file an event, whole before it has its name; files are brought in in the order in which they came, by one
process at a time, and are known by their keys: one that is brought in twice changes nothing.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec

from estate.core.errors import DataError, SettingsError, StoreError
from estate.intake.events import Arrived

logger = logging.getLogger(__name__)

_PAUSE_SECONDS = 2.0


class _Kept(msgspec.Struct, frozen=True):
    key: str
    received_at: datetime
    body: bytes


class Inbox:
    """The folder of one installation.

    Parameters
    ----------
    folder : Path
    apply : callable
        Brings an event into the database; raises StoreError or SettingsError while that is away.
    pause_seconds : float
        Between two tries.
    """

    def __init__(
        self, folder: Path, apply: Callable[[Arrived], object], *, pause_seconds: float = _PAUSE_SECONDS
    ) -> None:
        self._folder, self._apply, self._pause = folder, apply, pause_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)

    def start(self) -> None:
        """Begin to bring in what waits."""
        self._thread.start()

    def close(self) -> None:
        """Stop; what waits stays on disk."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def waiting(self) -> list[Path]:
        """Return the files that wait, in their order."""
        return sorted(self._folder.glob("*.json"))

    def put(self, arrived: Arrived) -> None:
        """Keep an event; it is on the disk when this returns.

        Raises
        ------
        OSError
            If the disk does not take it.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        micros = int(arrived.received_at.timestamp() * 1e6)
        digest = hashlib.sha256(arrived.body).hexdigest()[:16]
        path = self._folder / f"{micros:020d}-{digest}.json"
        draft = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.draft")
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(msgspec.json.encode(_Kept(arrived.key, arrived.received_at, arrived.body)))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _flush_folder(self._folder)

    def bring_in(self) -> int:
        """Bring in what waits, unless another process is at it; returns how many were brought in.

        Raises
        ------
        StoreError, SettingsError
            If the database is away; what was not brought in waits on.
        """
        if not self.waiting():
            return 0
        done = 0
        with self._alone() as alone:
            for path in self.waiting() if alone else ():
                if self._stopping.is_set():
                    break
                self._one(path)
                done += 1
        return done

    def _one(self, path: Path) -> None:
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
            self._apply(Arrived(kept.body, kept.received_at, kept.key))
        except (StoreError, SettingsError):
            raise
        except (msgspec.MsgspecError, DataError) as error:
            self._set_aside(path, error)
        except Exception as error:  # one event must not hold up those after it
            self._set_aside(path, error)
        else:
            path.unlink()

    def _set_aside(self, path: Path, error: Exception) -> None:
        path.rename(path.with_suffix(".bad"))
        logger.error("event_set_aside file=%s error=%s", path.name, type(error).__name__)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            os.close(descriptor)

    def _run(self) -> None:
        while not self._stopping.wait(self._pause):
            try:
                done = self.bring_in()
                if done:
                    logger.info("events_brought_in count=%d", done)
            except (StoreError, SettingsError):
                continue
            except Exception as error:  # the thread lives as long as the process does
                logger.exception("inbox_failed error=%s", type(error).__name__)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

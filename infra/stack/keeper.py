"""The life of one part: started when what it needs is ready, watched, restarted when it dies, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from estate.core.clock import now
from estate.core.errors import StackError
from infra.stack.guard import MARK, mark, sweep
from infra.stack.health import is_healthy
from infra.stack.log_files import log_path, open_log
from infra.stack.part import Part
from infra.stack.status import PartState, PartStatus

CHILD = Path(__file__).parent / "child.py"
ASK_STARTING_S = 0.15
ASK_RUNNING_S = 10.0
LONGEST_PAUSE_S = 30.0
FORGIVEN_AFTER_S = 60.0


@dataclass(frozen=True)
class Place:
    """Where parts run: the folder of state, the working folder, and the environment that all share."""

    home: Path
    root: Path
    env: Mapping[str, str]


class Keeper:
    """Keeps one part.

    Parameters
    ----------
    part : Part
        What to keep.
    place : Place
        Where.
    changed : callable
        Called after each change of ``status``.
    """

    def __init__(self, part: Part, place: Place, changed: Callable[[], None]) -> None:
        self.part, self.place, self.changed = part, place, changed
        self.log = log_path(place.home, part.name)
        self.ready = asyncio.Event()
        self.started = now()
        self.process: asyncio.subprocess.Process | None = None
        self.status = PartStatus(
            name=part.name,
            address=part.address,
            log="" if part.external else str(self.log),
            since=now().isoformat(),
        )

    async def keep(self, needed: list[asyncio.Event]) -> None:
        """Bring the part up, then keep it so until cancelled; a step that runs once ends here.

        Raises
        ------
        StackError
            If it dies or stays silent before it was ready for the first time.
        """
        for event in needed:
            await event.wait()
        await self._bring_up()
        if self.part.once:
            return
        died = 0
        while True:
            alive_s = await self._watch()
            died = 1 if alive_s > FORGIVEN_AFTER_S else died + 1
            await self._bury()
            self._set("restarting", pid=None, restarts=self.status.restarts + 1)
            await asyncio.sleep(min(0.25 * 2**died, LONGEST_PAUSE_S))
            try:
                await self._bring_up()
            except StackError:
                continue  # its state says so; the next try comes after a longer pause

    async def stop(self) -> None:
        """Ask the part to stop, wait for it, kill what is left of it."""
        if self.process is None or self.part.external:
            return
        if self.process.returncode is None:
            self._set("stopping")
            self.process.send_signal(self.part.stop_signal)
            try:
                await asyncio.wait_for(self.process.wait(), self.part.stop_s)
            except TimeoutError:
                self._set(
                    "stopping",
                    last_exit=f"killed: still there {self.part.stop_s:.0f} s after it was asked to stop",
                )
        await self._bury()
        self._set(self.status.state if self.status.state in {"done", "failed"} else "stopped", pid=None)

    async def _bring_up(self) -> None:
        self.started, clock = now(), time.monotonic()
        if not self.part.external:
            await self._spawn()
        self._set("starting", pid=self.process.pid if self.process else None)
        while not await self._is_ready():
            if self.process and self.process.returncode is not None:
                raise self._fail(f"ended with {self._last_exit()}")
            if time.monotonic() - clock > self.part.patience_s:
                await self._bury()
                raise self._fail(f"no good answer for {self.part.patience_s:.0f} s")
            await asyncio.sleep(ASK_STARTING_S)
        seconds = round(time.monotonic() - clock, 2)
        self._set(
            "done" if self.part.once else "healthy",
            pid=None if self.part.once else self.status.pid,
            seconds=seconds,
        )
        self.ready.set()

    async def _is_ready(self) -> bool:
        if self.part.once:
            return self.process is not None and self.process.returncode == 0
        if self.process and self.process.returncode is not None:
            return False
        return await asyncio.to_thread(is_healthy, self.part.health, self.started, now())

    async def _watch(self) -> float:
        """Return the seconds that the part lived after it was ready, when it has died."""
        born = time.monotonic()
        while not await self._has_ended(within_s=ASK_RUNNING_S):
            healthy = await asyncio.to_thread(is_healthy, self.part.health, self.started, now())
            if healthy != (self.status.state == "healthy"):
                self._set("healthy" if healthy else "unhealthy")
        return time.monotonic() - born

    async def _has_ended(self, *, within_s: float) -> bool:
        if self.process is None:  # runs elsewhere
            await asyncio.sleep(within_s)
            return False
        try:
            await asyncio.wait_for(self.process.wait(), within_s)
        except TimeoutError:
            return False
        return True

    async def _spawn(self) -> None:
        mode = "unprivileged" if self.part.unprivileged else "plain"
        wrapper = (
            sys.executable,
            "-I",
            "-S",
            str(CHILD),
            str(os.getpid()),
            str(int(self.part.death_signal)),
            mode,
        )
        env = {**self.place.env, **self.part.env, MARK: mark(self.place.home, self.part.name)}
        log = open_log(self.log)
        try:
            # From this thread and no other: the death signal follows the thread that started the child.
            self.process = await asyncio.create_subprocess_exec(
                *wrapper, *self.part.command, cwd=self.place.root, env=env, start_new_session=True,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        finally:
            os.close(log)

    async def _bury(self) -> None:
        """Kill what the part has left behind, so that no second copy of anything runs after a restart."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        await asyncio.to_thread(sweep, self.place.home, self.part.name)
        if self.status.state not in {"stopping", "done", "failed"}:
            self.status = replace(self.status, pid=None, last_exit=self._last_exit())

    def _fail(self, reason: str) -> StackError:
        self._set("failed", pid=None, last_exit=self._last_exit())
        log = "" if self.part.external else f"Its log is {self.log}."
        return StackError(f"part `{self.part.name}` of the stack", expected="ready", got=reason, todo=log)

    def _last_exit(self) -> str:
        code = self.process.returncode if self.process else None
        if code is None:
            return ""
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"{how} at {now():%Y-%m-%d %H:%M:%S}Z"

    def _set(self, state: PartState, **changes: object) -> None:
        fresh = replace(self.status, **changes)  # type: ignore[arg-type]
        self.status = replace(fresh, state=state, since=now().isoformat())
        self.changed()

"""Brings all parts up in the order of their needs, keeps them up, takes them down in reverse.

It runs as a process of its own (``python -m infra.stack``) and speaks through files:
``status.json`` for what is, the parts' logs for why. Everything runs in one thread, since the kernel ties
children to the thread that started them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

from estate.core.clock import now
from estate.core.errors import StackError
from infra.stack.guard import sweep
from infra.stack.keeper import Keeper, Place
from infra.stack.log_files import rotate
from infra.stack.part import Part, stop_order
from infra.stack.status import StackState, StackStatus, write_status

GUARD = Path(__file__).parent / "guard.py"
ROTATE_EVERY_S = 30.0


class Supervisor:
    """Keeps the parts of one home.

    Parameters
    ----------
    parts : tuple of Part
        What to keep; names are unique, needs are names.
    place : Place
        Where.
    notes : tuple of str
        Sentences for the person who looks at the status.
    """

    def __init__(self, parts: tuple[Part, ...], place: Place, *, notes: tuple[str, ...] = ()) -> None:
        self.parts, self.place, self.notes = parts, place, notes
        self.keepers = {part.name: Keeper(part, place, self._write) for part in parts}
        self.state: StackState = "starting"
        self.since, self.error, self.failed_part = now().isoformat(), "", ""
        self.wanted_down = asyncio.Event()

    async def run(self) -> bool:
        """Run until told to stop; return False if a part could not be brought up.

        What an earlier supervisor of this home may have left behind is ended first.
        """
        sweep(self.place.home)
        loop = asyncio.get_running_loop()
        for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(stop, self.wanted_down.set)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(_running(self._guard()))
            await stack.enter_async_context(_running(self._rotate()))
            lives = {asyncio.create_task(self._keep(keeper)) for keeper in self.keepers.values()}
            up = asyncio.create_task(self._wait_until_up())
            down = asyncio.create_task(self.wanted_down.wait())
            await asyncio.wait({down}, return_when=asyncio.FIRST_COMPLETED)
            for task in (*lives, up):
                task.cancel()
            await asyncio.gather(*lives, up, return_exceptions=True)  # each has written down why it ended
            await self._stop_all()
        return not self.error

    async def _keep(self, keeper: Keeper) -> None:
        try:
            await keeper.keep([self.keepers[name].ready for name in keeper.part.needs])
        except StackError as error:
            self.error, self.failed_part = str(error), keeper.part.name
        except Exception as error:
            self.error, self.failed_part = f"{keeper.part.name}: {error!r}", keeper.part.name
            raise
        finally:
            if self.error:
                self.wanted_down.set()

    async def _wait_until_up(self) -> None:
        for keeper in self.keepers.values():
            await keeper.ready.wait()
        self._enter("up")

    async def _stop_all(self) -> None:
        self._enter("stopping")
        for group in stop_order(self.parts):
            await asyncio.gather(*(self.keepers[part.name].stop() for part in group))
        await asyncio.to_thread(sweep, self.place.home)
        self._enter("failed" if self.error else "down")

    async def _guard(self) -> None:
        while True:
            # The pipe to it closes when this process ends, in whatever way.
            guard = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-S", str(GUARD), str(self.place.home), stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL, start_new_session=True, close_fds=True,
            )  # fmt: skip
            await guard.wait()
            await asyncio.sleep(0.5)

    async def _rotate(self) -> None:
        while True:
            for keeper in self.keepers.values():
                await asyncio.to_thread(rotate, keeper.log)
            await asyncio.sleep(ROTATE_EVERY_S)

    def _enter(self, state: StackState) -> None:
        self.state, self.since = state, now().isoformat()
        self._write()

    def _write(self) -> None:
        write_status(
            StackStatus(
                state=self.state,
                home=str(self.place.home),
                pid=os.getpid(),
                since=self.since,
                error=self.error,
                failed_part=self.failed_part,
                notes=self.notes,
                parts=tuple(keeper.status for keeper in self.keepers.values()),
            )
        )


@contextlib.asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

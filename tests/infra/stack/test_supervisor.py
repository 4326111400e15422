from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from infra.stack.guard import marked

if TYPE_CHECKING:
    from tests.infra.conftest import TinyStack

FOREVER = "import time; time.sleep(600)"
# A grandchild in a session of its own, as Prefect and Postgres make them: no signal to a group reaches it.
WITH_GRANDCHILD = (
    "import subprocess, sys, time;"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True);"
    "time.sleep(600)"
)
STUBBORN = (
    "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "pathlib.Path('deaf').touch(); time.sleep(600)"
)


def note(name: str, path: Path) -> str:
    return f"open({str(path)!r}, 'a').write({name + ' '!r})"


def test_parts_start_when_what_they_need_is_ready_and_stop_in_reverse(tiny: TinyStack) -> None:
    book = tiny.home / "book"
    on_stop = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: ({}, sys.exit(0)));"
        "{}; time.sleep(600)"
    )
    server = on_stop.format(note("-server", book), note("+server", book))
    database = on_stop.format(note("-database", book), note("+database", book))
    slow_step = f"import time; time.sleep(0.3); {note('step', book)}"

    status = tiny.up(
        ("server", server, ["step-migrate"]),
        ("step-migrate", slow_step, ["database"]),
        ("database", database, []),
    )
    assert [part.state for part in status.parts] == ["healthy", "done", "healthy"]
    tiny.wait_for(lambda _: "+server" in book.read_text())
    assert tiny.end(signal.SIGTERM) == 0
    assert book.read_text().split() == ["+database", "step", "+server", "-server", "-database"]
    assert tiny.wait_for(lambda status: status.state == "down").part("server").state == "stopped"


def test_a_killed_part_is_restarted_and_that_is_visible(tiny: TinyStack) -> None:
    before = tiny.up(("loop", FOREVER, [])).part("loop")
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)
    after = tiny.wait_for(lambda s: s.part("loop").restarts == 1 and s.part("loop").state == "healthy").part(
        "loop"
    )
    assert after.pid not in {None, before.pid}
    assert after.last_exit.startswith("SIGKILL at ")


def test_what_a_dead_part_has_started_does_not_live_beside_its_successor(tiny: TinyStack) -> None:
    pid = tiny.up(("parent", WITH_GRANDCHILD, [])).part("parent").pid
    assert pid
    tiny.wait_for(lambda _: len(list(marked(tiny.home))) == 2)
    old = set(marked(tiny.home))
    os.kill(pid, signal.SIGKILL)
    tiny.wait_for(lambda s: s.part("parent").restarts == 1 and s.part("parent").state == "healthy")
    assert not old & set(marked(tiny.home))


def test_a_part_that_cannot_start_stops_all_and_is_named(tiny: TinyStack) -> None:
    process = tiny.start(("good", FOREVER, []), ("bad", "import sys; sys.exit('no licence')", ["good"]))
    assert process.wait(20) == 1
    status = tiny.wait_for(lambda status: status.state == "failed")
    assert status.failed_part == "bad"
    assert "part `bad` of the stack: expected ready, got ended with exit code 1" in status.error
    assert "no licence" in (tiny.home / "logs" / "bad.log").read_text()
    tiny.wait_until_empty()


def test_a_part_that_stays_silent_is_given_up_after_its_patience(tiny: TinyStack) -> None:
    process = tiny.start(("step-endless", FOREVER, []))
    assert process.wait(20) == 1
    assert "no good answer for 3 s" in tiny.wait_for(lambda status: status.state == "failed").error


def test_a_part_that_does_not_stop_is_killed(tiny: TinyStack) -> None:
    tiny.up(("stubborn", STUBBORN, []))
    tiny.wait_for(lambda _: (tiny.home / "deaf").exists())
    assert tiny.end(signal.SIGTERM) == 0
    last = tiny.wait_for(lambda status: status.state == "down").part("stubborn")
    assert last.last_exit.startswith("killed: still there")
    tiny.wait_until_empty()


def test_a_killed_supervisor_leaves_no_process(tiny: TinyStack) -> None:
    tiny.up(("parent", WITH_GRANDCHILD, []), ("stubborn", STUBBORN, []))
    tiny.wait_for(lambda _: len(list(marked(tiny.home))) == 3)
    tiny.end(signal.SIGKILL)
    tiny.wait_until_empty()


def test_an_interrupt_leaves_no_process(tiny: TinyStack) -> None:
    tiny.up(("parent", WITH_GRANDCHILD, []))
    assert tiny.end(signal.SIGINT) == 0
    tiny.wait_until_empty()


def test_a_killed_guard_is_replaced(tiny: TinyStack) -> None:
    tiny.up(("parent", WITH_GRANDCHILD, []))
    (guard,) = guards(tiny.home)
    os.kill(guard, signal.SIGKILL)
    tiny.wait_for(lambda _: guards(tiny.home) not in ([], [guard]))
    tiny.end(signal.SIGKILL)
    tiny.wait_until_empty()


def guards(home: Path) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.endswith(b"guard.py") for word in words) and str(home).encode() in words:
            found.append(int(folder.name))
    return found


def test_the_status_file_is_private(tiny: TinyStack) -> None:
    tiny.up(("loop", FOREVER, []))
    assert (tiny.home / "status.json").stat().st_mode & 0o077 == 0
    assert (tiny.home / "logs" / "loop.log").stat().st_mode & 0o077 == 0

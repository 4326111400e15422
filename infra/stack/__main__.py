"""The supervisor's process: ``python -m infra.stack``. Started by the command line, not by hand."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from estate.core.errors import LeadloopError
from estate.core.settings import ENDPOINTS_FILE, Settings, load_settings
from estate.signing import ensure_keys
from infra.stack import postgres
from infra.stack.addresses import decide_addresses, write_endpoints
from infra.stack.environment import shared_environment
from infra.stack.guard import sweep
from infra.stack.keeper import Place
from infra.stack.lock import take_lock
from infra.stack.parts import list_parts
from infra.stack.status import StackStatus, write_status
from infra.stack.supervisor import Supervisor

ROOT = Path(__file__).parents[2]
TAKEN = 3


def main() -> int:
    """Run the stack of this home; return 0 after a stop, 1 if a part failed, 3 if it runs already."""
    settings = load_settings()
    home = settings.home.resolve()
    for folder in (home, home / "logs", home / "artifacts", home / "prefect"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = take_lock(home)
    if lock is None:
        return TAKEN
    with lock:
        write_status(StackStatus(state="starting", home=str(home)))
        try:
            return 0 if run(settings, home) else 1
        except LeadloopError as error:
            write_status(StackStatus(state="failed", home=str(home), error=str(error)))
            return 1
        finally:
            (home / ENDPOINTS_FILE).unlink(missing_ok=True)


def run(settings: Settings, home: Path) -> bool:
    """Decide the addresses, then keep the parts until told to stop."""
    sweep(home)  # before ports are looked for: what is left of a killed stack still holds them
    addresses = decide_addresses(settings, home)
    if "postgres" in addresses.ports:
        postgres.make_data_folder(home)
    ensure_keys(settings)  # before the worker: what it trains is signed
    write_endpoints(addresses, home)
    parts = list_parts(addresses, home=home, host=settings.host)
    place = Place(home, ROOT, shared_environment(settings, addresses, home))

    async def keep() -> bool:
        return await Supervisor(parts, place, notes=addresses.notes).run()

    return asyncio.run(keep())


if __name__ == "__main__":
    sys.exit(main())

"""A serving process of its own that can be killed; given: home, address of the database, folder of models."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import SecretStr

from estate.core.settings import Settings
from serving.process import make_process
from serving.server import make_server
from serving.sockets import shared_address
from tests.serving.intake.signing import SECRET


def main(home: str, url: str, models: str) -> None:
    settings = Settings(
        home=Path(home), database_url=SecretStr(url), models=(Path(models),), crm_secret=SecretStr(SECRET)
    )
    listening = shared_address("127.0.0.1", 0)
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    make_server(make_process(settings)).run(sockets=[listening])


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Step: Leadloop's own tables are at the newest migration."""

from __future__ import annotations

import os
import sys

from estate.core.errors import LeadloopError


def main() -> None:
    """Migrate the database of ``LEADLOOP_DATABASE_URL``."""
    from infra.migrations.run import upgrade

    try:
        upgrade(os.environ["LEADLOOP_DATABASE_URL"])
    except LeadloopError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

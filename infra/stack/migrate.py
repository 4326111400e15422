"""Step: Leadloop's own tables are at the newest migration, and the parts' user may work with them.

``LEADLOOP_OWNER_DATABASE_URL`` names the user who migrates, ``LEADLOOP_DATABASE_URL`` the one that the parts
work as. Where both are the same, that user can change the ledger, and ``leadloop doctor`` says so.
"""

from __future__ import annotations

import os
import sys

from estate.core.errors import LeadloopError, StoreError


def main() -> None:
    """Migrate, then admit the parts' user."""
    try:
        migrate(os.environ["LEADLOOP_DATABASE_URL"], os.environ.get("LEADLOOP_OWNER_DATABASE_URL"))
    except LeadloopError as error:
        sys.exit(str(error))


def migrate(url: str, owner_url: str | None) -> None:
    """Bring the database to the newest revision; with an owner, let the other user in.

    Raises
    ------
    StoreError
        If the owner can neither find nor make the group of the parts' users.
    """
    from infra.migrations.rights import GROUP
    from infra.migrations.run import regrant, upgrade
    from infra.stack.rights import admit

    upgrade(owner_url or url)
    if owner_url and owner_url != url:
        if not regrant(owner_url):
            raise StoreError(
                f"database role {GROUP}",
                expected="it, or the right to make it",
                got="neither",
                todo=f"Let somebody who may run: CREATE ROLE {GROUP} NOLOGIN; then run `leadloop up` again.",
            )
        admit(owner_url, url)


if __name__ == "__main__":
    main()

"""What the platform's own processes may do in its database: everything but change the ledger or the evidence.

The rights belong to the group role ``leadloop_app``; users that are members of it have them. The owner of the
tables can do more (the triggers stop it too, but an owner may drop a trigger).
"""

from __future__ import annotations

import sqlalchemy as sa

GROUP = "leadloop_app"
APPEND_ONLY_TABLES = ("ledger", "evidence")

# Roles belong to the whole server: another database's migration may make the same one at the same moment.
_CREATE_GROUP = f"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{GROUP}') THEN
    CREATE ROLE {GROUP} NOLOGIN;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;
  WHEN insufficient_privilege THEN NULL;  -- `leadloop doctor` says so
END $$
"""


def grant_rights(connection: sa.Connection) -> bool:
    """Give the group its rights on all tables of today and on later ones; safe to repeat.

    Returns
    -------
    bool
        False if the group is missing and this user may not make it: then nothing was granted.
    """
    for table in APPEND_ONLY_TABLES:
        connection.exec_driver_sql(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC")
    connection.exec_driver_sql(_CREATE_GROUP)
    found = connection.exec_driver_sql("SELECT 1 FROM pg_roles WHERE rolname = %s", (GROUP,)).scalar()
    if not found:
        return False
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    for statement in _grants(schema):
        connection.exec_driver_sql(statement)
    return True


def _grants(schema: str) -> tuple[str, ...]:
    closed = ", ".join(f"{schema}.{table}" for table in APPEND_ONLY_TABLES)
    later = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT"
    return (
        f"GRANT USAGE ON SCHEMA {schema} TO {GROUP}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {GROUP}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {GROUP}",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {closed} FROM {GROUP}",
        f"REVOKE INSERT, UPDATE, DELETE ON {schema}.alembic_version FROM {GROUP}",
        f"{later} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {GROUP}",
        f"{later} USAGE, SELECT ON SEQUENCES TO {GROUP}",
    )

"""The database's history: Alembic migrations."""

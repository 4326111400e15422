"""Every table of the platform, for whoever makes or compares the schema."""

from estate.store import watch_tables
from estate.store.tables import metadata

__all__ = ["metadata", "watch_tables"]

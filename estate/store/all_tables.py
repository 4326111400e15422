"""Every table of the platform, for whoever makes or compares the schema."""

from estate.store import training_tables, watch_tables
from estate.store.tables import metadata

__all__ = ["metadata", "training_tables", "watch_tables"]

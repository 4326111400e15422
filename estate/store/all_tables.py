"""Every table of the platform, for whoever makes or compares the schema."""

from estate.store import erasure_tables, intake_tables, intervention_tables, training_tables, watch_tables
from estate.store.tables import metadata

__all__ = [
    "erasure_tables",
    "intake_tables",
    "intervention_tables",
    "metadata",
    "training_tables",
    "watch_tables",
]

"""Is it still true: broken data, drift, and what to do about either."""

from estate.store.watch_passes import Decision, WatchFinding, WatchPass
from monitoring.watch import watch

__all__ = ["Decision", "WatchFinding", "WatchPass", "watch"]

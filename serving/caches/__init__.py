"""What was computed a moment ago: in memory, in Redis, and behind them the computation itself."""

from serving.caches.kept_lead import KeptLead
from serving.caches.keys import Keys
from serving.caches.lead_cache import LeadCache
from serving.caches.memory import MemoryCache
from serving.caches.redis import RedisCache
from serving.caches.single_flight import SingleFlight

__all__ = ["KeptLead", "Keys", "LeadCache", "MemoryCache", "RedisCache", "SingleFlight"]

"""Every benchmark by name. Adding one is adding a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

Run = Callable[[bool], dict[str, object]]
"""From "quick?" to ``rows`` (one mapping each), ``goals`` and, where there is one, the path of a ``plot``."""

BENCHMARKS: Mapping[str, str] = {
    "alarms": "false-alarm rate and power of the watch, simulated rows",
    "batch": "millions of rows from Parquet to Parquet beside the bare model; memory as the table grows",
    "caches": "leads by id: the long way, one round trip, memory, Redis; hit rates and what they save",
    "capacity": "the greedy plan of a desk's day beside the best one; simulated lists of leads",
    "challenger": "from the first drifted lead to a gated challenger in staging, on the demo's stack",
    "estimates": "quality before labels are known, beside NannyML and what labels say later; simulated, bank",
    "features": "features of 10 million events as of each lead, beside DuckDB, Polars and Feast; one lead",
    "gate": "false passes and power of the gate, reuse of a holdout; simulated pairs of models",
    "ideas": "what caching, batching, vectorising, float32 and coroutines are really worth here",
    "lead_models": "conversion and churn beside the known truth; real tables beside references and AutoML",
    "leads_load": "leads under load: processor time and latency, with and without reasons, and the floors",
    "matching": "the next home of a lead (simulated), a guest (real), beside popularity, cosine, implicit",
    "members": "who earns a place in the vote of lead_conversion: its members, networks, event sequences",
    "promotion": "from the click to the first answer of the new version; rollback; flips under load",
    "reasons": "what reasons for a score cost, and how close they come to exact ones; simulated rows",
    "rehearsal": "real drift, two public recordings: the platform beside never, weekly and always retraining",
    "replay": "real drift, bank-marketing file: never retraining, on schedule, on drift",
    "serve": "requests a second, tails, memory and cold start beside five other servers and the floors",
    "shown_homes": "what keeping shown homes costs an answer; how long their scores stay true; simulated",
}


def load(name: str) -> Run:
    """Return the function ``run`` of a benchmark's module."""
    run: Run = import_module(f"benchmarks.{name}").run
    return run

"""What serving counts, as its /metrics say it: only numbers, nothing of any case."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from estate.core.errors import LeadloopError

_SECONDS = 5.0
_LATENCY = "leadloop_request_seconds_bucket"
_REQUESTS = "leadloop_requests_total"
_PROBES = {"live", "ready", "metrics"}
_OF_MODEL = {
    "leadloop_requests_shed_total": "shed",
    "leadloop_cache_hits_total": "hits",
    "leadloop_cache_misses_total": "misses",
}
_OF_ALL = {
    "leadloop_cache_errors_total": "cache_errors",
    "leadloop_prediction_log_dropped_total": "dropped",
    "leadloop_prediction_log_refused_total": "refused",
}


class ServingAway(LeadloopError):
    """Serving did not say its numbers; ``got`` says why, without an address."""


@dataclass(frozen=True)
class ServingNumbers:
    """What serving counted since it started, and how it stands now.

    Parameters
    ----------
    counters : mapping of str to float
        ``requests``, ``errors`` (5xx), ``shed``, ``hits``, ``misses`` and ``within 0.25`` (requests that took
        at most so many seconds) of one model; ``cache_errors``, ``dropped``, ``refused`` of all.
    queue_rows : float
        That wait to be scored by the model.
    behind_seconds : float
        Age of the oldest answer that is not in the database yet.
    """

    counters: Mapping[str, float]
    queue_rows: float
    behind_seconds: float


def ask_serving(url: str, model: str) -> ServingNumbers:
    """Ask serving for its numbers about a model.

    Raises
    ------
    ServingAway
        If nobody answers, or with something else.
    """
    try:
        answer = httpx.get(f"{url.rstrip('/')}/metrics", timeout=_SECONDS)
        got = "" if answer.status_code == 200 else f"HTTP {answer.status_code}"
        if not got:
            return read_numbers(text_string_to_metric_families(answer.text), model)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        got = type(error).__name__
    except ValueError:
        got = "a text that is no metrics"
    asks_key = got in {"HTTP 401", "HTTP 403"}
    raise ServingAway(
        "metrics of serving",
        expected="an answer",
        got=got,
        todo="Set LEADLOOP_METRICS_OPEN for serving." if asks_key else "Is it up? Try `leadloop status`.",
    )


def read_numbers(families: Iterable[Metric], model: str) -> ServingNumbers:
    """Sum up the series of a model.

    A request that ends before any model is asked has no label: if it ends with 5xx, it counts for all.
    """
    counters: dict[str, float] = defaultdict(float)
    gauges: dict[str, float] = defaultdict(float)
    for sample in (sample for family in families for sample in family.samples):
        name, labels, value = sample.name, sample.labels, float(sample.value)
        own = labels.get("model") == model
        if name == _REQUESTS and labels.get("route") not in _PROBES:
            failed = labels.get("status", "").startswith("5") and (own or not labels.get("model"))
            counters["errors"] += value * failed
            counters["requests"] += value * (own or failed)
        elif name in _OF_MODEL and own:
            counters[_OF_MODEL[name]] += value
        elif name in _OF_ALL:
            counters[_OF_ALL[name]] += value
        elif name == _LATENCY and own:
            counters[f"within {float(labels['le']):g}"] += value
        elif name == "leadloop_queue_rows" and own:
            gauges["queue_rows"] += value
        elif name == "leadloop_prediction_log_behind_seconds":
            gauges["behind"] = max(gauges["behind"], value)
    return ServingNumbers(dict(counters), gauges["queue_rows"], gauges["behind"])


def within(counters: Mapping[str, float]) -> list[tuple[float, float]]:
    """Return how many requests took at most so many seconds, by rising seconds; the last is all of them.

    Examples
    --------
    >>> within({"within 0.5": 3.0, "within inf": 4.0, "requests": 9.0})
    [(0.5, 3.0), (inf, 4.0)]
    """
    found = [
        (float(name.removeprefix("within ")), n) for name, n in counters.items() if name.startswith("within ")
    ]
    return sorted(found)


def quantile(counts: list[tuple[float, float]], share: float) -> float:
    """Return the seconds within which this share of the requests was answered, between the bucket's edges.

    Examples
    --------
    >>> quantile([(0.1, 90.0), (0.2, 100.0), (math.inf, 100.0)], 0.95)
    0.15000000000000002
    """
    wanted = share * counts[-1][1]
    before_edge, before = 0.0, 0.0
    for edge, count in counts:
        if count >= wanted:
            if math.isinf(edge) or count == before:
                return before_edge
            return before_edge + (edge - before_edge) * (wanted - before) / (count - before)
        before_edge, before = edge, count
    return before_edge

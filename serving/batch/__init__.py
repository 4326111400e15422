"""Scoring many cases at once: a table of any size at flat memory, or all open leads."""

from serving.batch.bad_rows import bad_path
from serving.batch.open_leads import score_leads, score_open_leads
from serving.batch.options import BatchOptions, BatchResult, Progress, cores
from serving.batch.query_source import Query, query_for
from serving.batch.retain import Retained, retain_leads
from serving.batch.run import score_file, score_rows

__all__ = [
    "BatchOptions",
    "BatchResult",
    "Progress",
    "Query",
    "Retained",
    "bad_path",
    "cores",
    "query_for",
    "retain_leads",
    "score_file",
    "score_leads",
    "score_open_leads",
    "score_rows",
]

"""A run over a table of any size: read, scored by all cores, written; killed, it goes on where it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from estate.core.clock import now
from estate.core.errors import DataError
from serving.batch import bad_rows
from serving.batch.csv_kinds import Kind
from serving.batch.csv_source import CsvSource
from serving.batch.in_order import in_order
from serving.batch.opening import open_file
from serving.batch.options import BatchOptions, BatchResult, Progress
from serving.batch.plan import Plan
from serving.batch.query_source import Query, query_rows
from serving.batch.scorer import Scored, Scorer
from serving.batch.source import Chunk, Source, chunks, rows_at_once
from serving.batch.target import Target, target_of
from serving.batch.work import Append, Work
from serving.models import ServedModel

_FORMAT = 1


def score_file(served: ServedModel, source: Path, target: Path, *, progress: Progress | None = None) -> int:
    """Score every row of a file; returns how many. See :func:`score_rows`."""
    options = BatchOptions(progress=progress) if progress is not None else BatchOptions()
    return score_rows(served, source, target, options).rows


def score_rows(
    served: ServedModel, source: Path | Query, target: Path, options: BatchOptions | None = None
) -> BatchResult:
    """Score every row of a table; the target has its name when it is complete.

    The target has the source's columns and ``score``, ``label`` (multiclass), ``band``, ``interval_low`` and
    ``interval_high`` (where the version has them), ``version``, ``answered_by`` and ``at``, the time at which
    the run began. Called again after it was stopped in any way, it goes on behind the last chunk that is on
    disk; if the source, the version or the options changed since, it starts anew.

    Parameters
    ----------
    served : ServedModel
        From :func:`serving.production.production_model`.
    source : Path or Query
        ``.csv``, ``.csv.gz``, ``.parquet``, ``.arrow``, a folder of Parquet or Arrow files, or a query.
    target : Path
        ``.csv``, ``.csv.gz`` or ``.parquet``.
    options : BatchOptions, optional

    Raises
    ------
    DataError
        If the source can't be read, lacks a column or holds text where numbers are expected.
    LeadloopError
        If the disk is full, or another run works on this target.
    """
    run = _Run(Plan.of(served), target, target_of(target), options or BatchOptions())
    with run.work.locked():
        try:
            return run.go(source)
        except DataError:  # the input must change: what was done is of no use
            run.work.remove()
            raise


@dataclass
class _Run:
    plan: Plan
    path: Path
    target: Target
    options: BatchOptions

    def __post_init__(self) -> None:
        self.work = Work(self.path)

    def go(self, asked: Path | Query) -> BatchResult:
        self.work.load()
        source = self._take_up(asked) or self._begin(asked)
        resumed_at = self.work.last.read
        if not self.work.finished:
            self._write(source)
        self._put()
        answering = self.plan.answering
        return BatchResult(
            rows=self.work.last.written,
            bad_rows=self.work.bad,
            resumed_at=resumed_at,
            version=answering.version,
            answered_by=answering.answered_by,
        )

    def _open(self, asked: Path | Query) -> Source:
        if isinstance(asked, Query):
            source: Source = query_rows(asked, self.work.folder / "query", self.options)
        else:
            source = open_file(self.plan, asked, skip=self.options.on_bad_rows == "quarantine")
        names = source.names if isinstance(source, CsvSource) else source.schema.names
        self.plan.require_columns(source.name, list(names))
        return source

    @property
    def _identity(self) -> dict[str, object]:
        return {
            "format": _FORMAT,
            **self.plan.identity(),
            "bad rows": self.options.on_bad_rows,
            "rows at once": self.options.rows_at_once or 0,
            "target": type(self.target).__name__,
        }

    def _take_up(self, asked: Path | Query) -> Source | None:
        """Go on with what an earlier run did; None if there is nothing, or something changed since."""
        header = self.work.header
        if not header:
            return None
        kept: Mapping[str, object] = header["identity"]
        changed = [name for name, value in self._identity.items() if kept.get(name) != value]
        source = self._open(asked) if not changed else None
        if source is None or source.identity() != kept["source"]:
            said = ", ".join(changed) or "the source"
            self.options.say(f"starts anew: {said} changed since the run that was stopped")
            self.work.clear()
            return None
        if isinstance(source, CsvSource):
            source.kinds = {name: Kind(kind) for name, kind in header["kinds"].items()}
            source.rows = header["rows"]
        self.options.say(f"goes on at row {self.work.last.read:,}, as of {header['at']}")
        return source

    def _begin(self, asked: Path | Query) -> Source:
        source = self._open(asked)
        self.work.clear(keep="query")
        identity = {**self._identity, "source": source.identity()}
        kinds = self._find_kinds(source)
        self.work.begin({"identity": identity, "at": now().isoformat(), "kinds": kinds, "rows": source.rows})
        return source

    def _find_kinds(self, source: Source) -> Mapping[str, str]:
        if not isinstance(source, CsvSource):
            return {}
        inputs = self.plan.inputs
        if not self.target.texts or inputs is None:
            wanted = set(source.names)
        else:  # numbers are read from their texts, unless some texts mean not known
            wanted = {c.name for c in inputs if c.kind == "category" or self.plan.missing}
        if wanted:
            self.options.say(f"looks through {source.path.name} for the types of its columns")
            source.find_kinds(wanted)
        return {name: kind.value for name, kind in source.kinds.items()}

    def _write(self, source: Source) -> None:
        keeps_texts = source.texts and self.target.texts
        stops = self.options.on_bad_rows == "stop"
        scorer = Scorer(self.plan, source, self.work.header["at"], keeps_texts, stops)
        with self.work.appending() as append:
            append.head(self.target.head(scorer.schema), b"" if stops else bad_rows.head(source))
            self._append_chunks(source, scorer, append)
            if source.identity() != self.work.header["identity"]["source"]:
                raise DataError(source.name, expected="the same rows until they are scored", got="others")
            count, lines = bad_rows.malformed(source)
            append.finish(self.target.end(self.work.parts()), lines, count)

    def _append_chunks(self, source: Source, scorer: Scorer, append: Append) -> None:
        size = self.options.rows_at_once or rows_at_once(source.schema)
        self.options.progress(self.work.last.read, source.rows)
        waiting = chunks(source, self.work.last.read, size)
        work = in_order(_encoding(scorer, self.target), waiting, workers=self.options.workers)
        with closing(work) as finished:
            for scored, encoded in finished:
                bad = len(scored.wrong), bad_rows.lines(source, scored)
                append.chunk(scored.rows, (scored.batch.num_rows, *encoded), bad)
                self.options.progress(self.work.last.read, source.rows)
        if not self.work.last.read:  # a table without rows has its columns
            append.chunk(
                0, (0, *self.target.encode(pa.RecordBatch.from_pylist([], schema=scorer.schema))), (0, b"")
            )

    def _put(self) -> None:
        bad = bad_rows.bad_path(self.path)
        if self.options.on_bad_rows == "quarantine" and not self.work.bad:
            bad.unlink(missing_ok=True)  # an earlier run's
        self.work.put({**({"bad": bad} if self.work.bad else {}), "rows": self.path})


def _encoding(scorer: Scorer, target: Target) -> Callable[[Chunk], tuple[Scored, tuple[Any, bytes]]]:
    def encoded(chunk: Chunk) -> tuple[Scored, tuple[Any, bytes]]:
        scored = scorer.score(chunk)
        return scored, target.encode(scored.batch)

    return encoded

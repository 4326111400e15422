"""Corrections: further versions of facts that are stored already.

The versions of a fact follow each other without a gap: each is superseded at the moment at which the next one
was recorded, whatever the order they arrived in. One that was retracted ends at that moment, and the next
one, if it ever comes, begins later.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from estate.store.fact_tables import copying, fact_id
from estate.store.locks import lock_key

Words = dict[str, sql.Composable]
"""Names for the statements: ``incoming`` and ``target`` (tables), ``key``, ``names`` (all columns of a row)
and ``said`` (those but the key and ``recorded_at``)."""

_SAME = """((SELECT ROW({said}) FROM (SELECT i.*) AS v) IS NOT DISTINCT FROM
  (SELECT ROW({said}) FROM (SELECT t.*) AS v))"""
_KNOWN = "DELETE FROM {incoming} i USING {target} t WHERE t.{key} = i.{key} AND "
_LEARNED_AT = "UPDATE {incoming} SET recorded_at = GREATEST({moment}, event_at)"
_CONFLICTS = """
SELECT DISTINCT i.{key}, i.recorded_at FROM {incoming} i JOIN {target} t ON t.{key} = i.{key}
WHERE ({any} OR t.recorded_at = i.recorded_at) AND NOT """
_FRESH = """
SELECT EXISTS (
  SELECT 1 FROM {incoming} i
  WHERE NOT EXISTS (SELECT 1 FROM {target} o WHERE o.{key} = i.{key} AND o.recorded_at = i.recorded_at))"""
_ORDER = """
CREATE TEMP TABLE versions ON COMMIT DROP AS
WITH fresh AS (
  SELECT DISTINCT ON (i.{key}, i.recorded_at) i.* FROM {incoming} i
  WHERE NOT EXISTS (SELECT 1 FROM {target} o WHERE o.{key} = i.{key} AND o.recorded_at = i.recorded_at)
), every AS (
  SELECT {names}, false AS fresh, superseded_at AS ended FROM {target}
  WHERE {key} IN (SELECT {key} FROM fresh)
  UNION ALL SELECT {names}, true, 'infinity' FROM fresh
)
SELECT {names}, fresh, LEAST(
  lead(recorded_at) OVER own, ended,
  CASE WHEN fresh AND lag(ended) OVER own > recorded_at THEN lag(ended) OVER own END
) AS superseded_at FROM every
WINDOW own AS (PARTITION BY {key} ORDER BY recorded_at)"""
_CLOSE = """
UPDATE {target} t SET superseded_at = v.superseded_at FROM versions v
WHERE v.{key} = t.{key} AND v.recorded_at = t.recorded_at AND t.superseded_at <> v.superseded_at"""
_RETRACT = """
UPDATE {target} SET superseded_at = GREATEST({moment}, recorded_at)
WHERE {key} = {name} AND superseded_at = 'infinity'"""
_ADD = """
INSERT INTO {target} ({names}, superseded_at) SELECT {names}, superseded_at FROM versions WHERE fresh"""


def drop_known(cursor: psycopg.Cursor[Any], words: Words) -> None:
    """Drop the incoming rows that say what some version of their fact says, whenever it was recorded."""
    cursor.execute(sql.SQL(_KNOWN + _SAME).format(**words))


def learned_at(cursor: psycopg.Cursor[Any], words: Words, moment: datetime) -> None:
    """Take the incoming rows for news of this moment."""
    cursor.execute(sql.SQL(_LEARNED_AT).format(**words, moment=sql.Literal(moment)))


def conflicts(cursor: psycopg.Cursor[Any], words: Words, whenever: bool) -> tuple[tuple[str, datetime], ...]:
    """Return incoming rows that differ from a version that was recorded at the same moment, or whenever."""
    query = sql.SQL(_CONFLICTS + _SAME).format(**words, any=sql.Literal(whenever))
    return tuple((name, moment) for name, moment in cursor.execute(query))


def add_versions(cursor: psycopg.Cursor[Any], words: Words, kind: str) -> int:
    """Add the incoming rows that were recorded at other moments than the stored versions; return how many.

    Those who correct facts of one kind come one after the other, until they commit: locks on the facts alone
    would be taken in different orders, since versions may be added before those that are locked already.
    """
    cursor.execute(sql.SQL(_FRESH).format(**words))
    if cursor.fetchone() == (False,):
        return 0
    _one_after_the_other(cursor, kind)
    cursor.execute(sql.SQL(_ORDER).format(**words))
    cursor.execute(sql.SQL(_CLOSE).format(**words))
    cursor.execute(sql.SQL(_ADD).format(**words))
    added = cursor.rowcount
    cursor.execute("DROP TABLE versions")
    return added


def retract_fact(connection: sa.Connection, kind: str, name: str, moment: datetime) -> bool:
    """End a fact that turned out not to be one; returns whether it was there.

    As of any moment before, it is still what was known. One that was recorded for a moment to come was never
    known.

    Raises
    ------
    DataError
        If there is no such kind.
    """
    words: dict[str, sql.Composable] = {
        "target": sql.Identifier(kind),
        "key": sql.Identifier(fact_id(kind)),
        "name": sql.Literal(name),
        "moment": sql.Literal(moment),
    }
    with copying(connection) as cursor:
        _one_after_the_other(cursor, kind)
        cursor.execute(sql.SQL(_RETRACT).format(**words))
        return cursor.rowcount > 0


def _one_after_the_other(cursor: psycopg.Cursor[Any], kind: str) -> None:
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(f"corrections of {kind}"),))

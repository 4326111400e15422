"""Erasing a person: out of facts, answers, training rows and files, with a signed receipt.

It can be killed at any place and be asked for again: the note that nothing is stored any more comes first,
the receipt last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from estate.core.clock import now
from estate.core.pair_id import MARK, pairs_begin
from estate.core.settings import Settings
from estate.datasets.quarantine_erasure import erase_from_quarantine
from estate.signing import Signature, ensure_keys, load_trusted, verify
from estate.store import erasures as store
from estate.store.database import Database
from estate.store.erasures import Erasure
from estate.store.ledger_chain import check_chain
from estate.store.pair_names import leads_like_pairs
from model_registry import Registry
from model_registry.erasure import ErasedRun, erase_from_runs, erase_from_texts
from serving.caches.kept_reasons import KEEP_SECONDS
from serving.journal.folder import REFUSED
from serving.journal.places import journal_folder

SIGNED_AS = "erasure"
_NOT_REACHED = (
    "bundles of versions: up to 5,008 rows of features each, without names",
    "hashes of frozen rows, by which a gate knows that it has judged on a row before",
    "what models have learned: a new training leaves the lead out",
    "files that were imported, written by `leadloop score --out` or `rebuild --out`, and backups",
    "free text that people wrote as reasons",
    "other machines' folders of this installation: run the command on each",
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Receipt:
    """What was erased; names nobody.

    Parameters
    ----------
    erasure_id : str
    who, why : str
    asked_at, finished_at : str
        ISO 8601.
    rows : mapping of str to int
        Deleted rows by table.
    runs_looked_at : int
        Runs of MLflow that keep the rows that they learned from.
    runs : tuple of ErasedRun
        Those that had rows of the lead.
    descriptions : int
        Of versions that named the lead.
    quarantined, files : int
        Refused rows of imports, and refused answers and events on disk.
    caches_empty_at : str
        When the last serving process has forgotten what it kept in memory.
    ledger_head : str
        Hash of the ledger's last row, whose chain was checked afterwards.
    not_reached : tuple of str
    """

    erasure_id: str
    who: str
    why: str
    asked_at: str
    finished_at: str
    rows: dict[str, int]
    runs_looked_at: int
    runs: tuple[ErasedRun, ...]
    descriptions: int
    quarantined: int
    files: int
    caches_empty_at: str
    ledger_head: str
    not_reached: tuple[str, ...] = _NOT_REACHED

    def to_json(self) -> str:
        """Return it as canonical JSON: what is signed."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def forget(  # noqa: PLR0913 - where, who, and why
    settings: Settings,
    database: Database,
    registry: Registry,
    lead_id: str,
    *,
    who: str,
    why: str,
    say: Say = lambda _line: None,
) -> Receipt:
    """Erase a lead; safe to repeat.

    Parameters
    ----------
    who, why : str
        Kept with the receipt.
    say : callable, optional
        Told what is being done.

    Raises
    ------
    StoreError, RegistryError
        If the database or MLflow can't be reached; asked for again, it goes on.
    """
    say("noting that nothing of this lead is stored any more")
    with database.begin() as connection:
        store.hold_writers(connection)
        begun = store.begin(connection, lead_id, who=who, why=why)
    say("deleting rows")
    with database.begin() as connection:
        others = leads_like_pairs(connection, lead_id)
        rows = store.delete_rows(connection, lead_id)
        rows["received_events"] += store.delete_events_that_quote(connection, lead_id)
    say("taking its rows out of what runs keep")
    looked, runs = erase_from_runs(registry, lead_id, others=others)
    descriptions = erase_from_texts(registry, lead_id)
    say("looking through files")
    quarantined = erase_from_quarantine(settings.home, lead_id)
    files = _erase_files(_files(settings), lead_id)
    with database.begin() as connection:
        head = check_chain(connection).head
    finished = now()
    receipt = Receipt(
        erasure_id=begun.erasure_id,
        who=begun.who,
        why=begun.why,
        asked_at=begun.asked_at.isoformat(),
        finished_at=finished.isoformat(),
        rows=rows,
        runs_looked_at=looked,
        runs=tuple(runs),
        descriptions=descriptions,
        quarantined=quarantined,
        files=files,
        caches_empty_at=(finished + _caches(settings)).isoformat(),
        ledger_head=head.hash if head is not None else "",
    )
    _keep(settings, database, receipt)
    return receipt


def is_genuine(settings: Settings, erasure: Erasure) -> bool:
    """Whether a receipt is what this installation has signed."""
    from estate.core.errors import SignatureError

    if erasure.receipt is None or erasure.key_id is None or erasure.signature is None:
        return False
    try:
        verify(
            f"receipt {erasure.erasure_id}",
            SIGNED_AS,
            erasure.receipt,
            signature=Signature(erasure.key_id, erasure.signature),
            trusted=load_trusted(settings),
        )
    except SignatureError:
        return False
    return True


def _keep(settings: Settings, database: Database, receipt: Receipt) -> None:
    document = receipt.to_json()
    signed = ensure_keys(settings).signing_key().sign(SIGNED_AS, document)
    folder = settings.home / "erasures"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept: dict[str, Any] = {"receipt": document, "key_id": signed.key_id, "signature": signed.value}
    (folder / f"{receipt.erasure_id}.json").write_text(json.dumps(kept, indent=1))
    with database.begin() as connection:
        store.finish(
            connection,
            receipt.erasure_id,
            receipt=document,
            key_id=signed.key_id,
            signature=signed.value,
        )


def _files(settings: Settings) -> list[Path]:
    """Files of single cases: answers that the database refused, and events that could not be read."""
    inbox = settings.home / "serving" / "inbox"
    return [*(journal_folder(settings) / REFUSED).glob("*.json"), *inbox.glob("*.bad")]


def _erase_files(paths: Iterable[Path], lead_id: str) -> int:
    names = {lead_id, pairs_begin(lead_id).removesuffix(MARK)}  # alone, and with a home
    name = re.compile(rf"(?<![\w-])({'|'.join(re.escape(one) for one in sorted(names))})(?![\w-])")
    removed = 0
    for path in paths:
        if name.search(path.read_text(errors="replace")):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _caches(settings: Settings) -> timedelta:
    longest = max(settings.cache_memory_seconds, settings.cache_redis_seconds, settings.cache_stale_seconds)
    return timedelta(seconds=longest + KEEP_SECONDS)  # reasons may be made of features that are kept

"""What many records have in common, written once a segment."""

from __future__ import annotations

from functools import cached_property, lru_cache
from hashlib import blake2b

import msgspec

from estate.store.prediction_rows import Layout, Origin
from estate.store.shadow_rows import Pair

CONTEXT, PREDICTIONS, SHADOW = 1, 2, 3
"""The first byte of a record: its kind."""


class Predicted(msgspec.Struct, frozen=True, array_like=True, tag="p", dict=True):
    """Of predictions."""

    model: str
    version: str
    answered_by: str
    fingerprint: str
    numbers: tuple[str, ...]
    texts: tuple[str, ...]

    @cached_property
    def origin(self) -> Origin:
        """The same as the table knows it."""
        layout = Layout(self.numbers, self.texts)
        return Origin(self.model, self.version, self.answered_by, self.fingerprint, layout)


class Compared(msgspec.Struct, frozen=True, array_like=True, tag="s", dict=True):
    """Of pairs in a shadow."""

    model: str
    version: str
    stable_version: str

    @cached_property
    def pair(self) -> Pair:
        """The same as the table knows it."""
        return Pair(self.model, self.version, self.stable_version)


Context = Predicted | Compared

_decoder = msgspec.msgpack.Decoder(Context)


@lru_cache(maxsize=1024)
def written(context: Context) -> tuple[int, bytes]:
    """Return a context's key, 64 bits, and the record that says what it is."""
    content = msgspec.msgpack.encode(context)
    key = blake2b(content, digest_size=8).digest()
    return int.from_bytes(key, "little"), bytes([CONTEXT]) + key + content


def read(record: bytes) -> tuple[int, Context]:
    """Return key and context of such a record.

    Raises
    ------
    msgspec.MsgspecError
        If it is none.
    """
    return int.from_bytes(record[1:9], "little"), _decoder.decode(record[9:])

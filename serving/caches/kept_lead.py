"""The features of one lead, as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from estate.core.feature_set import FeatureSet
from estate.core.frame import Frame, NumberBlock
from estate.features.live import LeadFeatures

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class KeptLead(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Features of one lead.

    ``numbers`` are float64, little-endian; ``as_of`` and ``known_until`` microseconds since 1970, UTC.
    """

    numbers: bytes
    categories: tuple[str | None, ...]
    as_of: int
    known_until: int

    @property
    def size(self) -> int:
        """About how many bytes it takes in memory, with its key and its place in a cache."""
        return 700 + len(self.numbers) + sum(60 + 2 * len(text) for text in self.categories if text)


@dataclass(frozen=True)
class Layout:
    """The columns of a feature set, in the order in which they are kept.

    Parameters
    ----------
    numbers, categories : tuple of str
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...]

    @classmethod
    def of(cls, features: FeatureSet) -> Layout:
        """Return the columns of a feature set."""
        numbers = tuple(name for name in features.names if features.kind(name) == "number")
        return cls(numbers, tuple(name for name in features.names if features.kind(name) == "category"))

    def fits(self, kept: KeptLead) -> bool:
        """Whether these are features of these columns."""
        return len(kept.numbers) == 8 * len(self.numbers) and len(kept.categories) == len(self.categories)

    def keep(self, leads: LeadFeatures) -> dict[str, KeptLead]:
        """Return the features by lead."""
        rows = len(leads.found)
        matrix = np.empty((rows, len(self.numbers)), dtype="<f8")
        for at, name in enumerate(self.numbers):
            matrix[:, at] = leads.features[name]
        texts = [leads.features[name].tolist() for name in self.categories]
        return {
            lead: KeptLead(
                matrix[i].tobytes(),
                tuple([column[i] for column in texts]),
                micros(leads.as_of[i]),
                micros(leads.known_until[i]),
            )
            for i, lead in enumerate(leads.found)
        }

    def frame(self, kept: Sequence[KeptLead]) -> Frame:
        """Return the rows as one frame, to the bit what was kept."""
        numbers = np.frombuffer(b"".join([lead.numbers for lead in kept]), dtype="<f8")
        matrix = numbers.astype(np.float64).reshape(len(kept), len(self.numbers))
        categories = {
            name: np.array([lead.categories[at] for lead in kept], dtype=object)
            for at, name in enumerate(self.categories)
        }
        return Frame.of_block(NumberBlock(self.numbers, matrix), categories)


def micros(moment: datetime) -> int:
    """Return microseconds since 1970 of an aware time."""
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(since_1970_us: int) -> datetime:
    """Return the aware time of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=since_1970_us)

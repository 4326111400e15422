"""Histories of leads from what one statement read; the bits are those of :func:`build_histories`."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from estate.features.areas import Areas
from estate.features.events import Events
from estate.features.histories import Histories
from estate.features.texts import Coded
from estate.store.lead_facts import VIEWED, EventRows, Homes, LeadFacts, Listings, Series
from estate.store.lead_statement import Part

_T = TypeVar("_T")


class NotRead(LookupError):
    """A feature asked for facts that were not read.

    Parameters
    ----------
    part : str
        What must be read for it.
    """

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self.part = part


def lead_histories(facts: LeadFacts) -> Histories:
    """Arrange facts as features read them; whatever was not read raises NotRead when it is asked for."""
    acts, messages = facts.interactions, facts.messages
    return Histories(
        as_of=facts.moment,
        created=facts.created,
        lead={**facts.categories, **facts.numbers},
        interactions=_events(facts, acts, _Interactions) if acts else _not_read("interactions"),
        messages=_events(facts, messages, dict) if messages else _not_read("messages"),
        market=Areas(facts.categories["area"], facts.moment, _Read(facts)),
    )


_PART_OF: dict[str, Part] = {name: part for part, names in VIEWED.items() for name in names}


class _Interactions(dict[str, Any]):
    """Columns of interactions by name; those of the homes looked at raise where they were not read."""

    def __missing__(self, name: str) -> Any:
        if name in _PART_OF:
            raise NotRead(_PART_OF[name])
        raise KeyError(name)


class _Read:
    """Facts of areas as far as they were read."""

    def __init__(self, facts: LeadFacts) -> None:
        self._facts = facts

    @property
    def index(self) -> dict[str, Series]:
        return _required(self._facts.index, "index")

    @property
    def homes(self) -> dict[str, Homes]:
        return _required(self._facts.homes, "homes")

    @property
    def listings(self) -> dict[str, Listings]:
        return _required(self._facts.listings, "listings")


def _required(part: _T | None, name: Part) -> _T:
    if part is None:
        raise NotRead(name)
    return part


class _Unread:
    """Stands where events would be."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __getattr__(self, name: str) -> Any:
        raise NotRead(self._part)

    def __getitem__(self, name: str) -> Any:
        raise NotRead(self._part)

    def __len__(self) -> int:
        raise NotRead(self._part)


def _not_read(part: Part) -> Events:
    return cast(Events, _Unread(part))


def _events(facts: LeadFacts, rows: EventRows, columns: type[dict[str, Any]]) -> Events:
    texts = columns({name: Coded.of(values) for name, values in rows.texts.items()})
    age = facts.moment[rows.lead] - rows.happened
    return Events(len(facts.moment), rows.lead, age, columns(rows.numbers), texts)

"""What models say of many leads, without the HTTP layer: for lists, files and batch jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from estate.core.errors import LeadloopError
from estate.core.lead_answer import LeadAnswer
from estate.core.settings import Settings
from estate.features.live import features_of_leads
from estate.store.database import Database
from serving.explained import Explained
from serving.last_good import Fetch
from serving.leads.answers import Ranks, Tellers, lead_answers
from serving.models import ServedModel, answering_of
from serving.production import production_model
from serving.qualities import nobody
from serving.scoring import score

_LEADS_AT_ONCE = 2_000
Answers = Mapping[str, LeadAnswer | LeadloopError]
"""By model; an error where it could not answer."""


class ManyLeads:
    """Asks the versions in production about many leads; nothing that they say is kept.

    Parameters
    ----------
    settings : Settings
    database : Database
    models : sequence of str
    fetch : callable, optional
        Brings a version's bundle; from the model registry if not given.
    """

    def __init__(
        self, settings: Settings, database: Database, models: Sequence[str], *, fetch: Fetch | None = None
    ) -> None:
        self._database = database
        self._models: dict[str, ServedModel | LeadloopError] = {}
        self._tellers = Tellers(Ranks(), Explained())
        for model in models:
            try:
                self._models[model] = production_model(settings, database, model, fetch=fetch)
            except LeadloopError as error:
                self._models[model] = error

    def ask(
        self,
        lead_ids: Sequence[str],
        *,
        as_of: datetime,
        explain: Sequence[str] = (),
        ranked: Sequence[str] = (),
    ) -> Iterator[tuple[str, Answers]]:
        """Yield each lead that is known, with what each model says of it.

        Parameters
        ----------
        lead_ids : sequence of str
        as_of : datetime
            What is known then is read.
        explain, ranked : sequence of str
            Models whose reasons are wanted, and whose scores are told by where they stand.

        Raises
        ------
        StoreError
            If the database is away.
        """
        for start in range(0, len(lead_ids), _LEADS_AT_ONCE):
            some = lead_ids[start : start + _LEADS_AT_ONCE]
            said: dict[str, dict[str, LeadAnswer | LeadloopError]] = {}
            for model, served in self._models.items():
                self._one_model(
                    said, model, served, some, as_of, explain=model in explain, rank=model in ranked
                )
            yield from said.items()

    def _one_model(  # noqa: PLR0913 - what to ask whom, and where it goes
        self,
        said: dict[str, dict[str, LeadAnswer | LeadloopError]],
        model: str,
        served: ServedModel | LeadloopError,
        lead_ids: Sequence[str],
        as_of: datetime,
        *,
        explain: bool,
        rank: bool,
    ) -> None:
        if isinstance(served, LeadloopError):
            for of_lead in said.values():
                of_lead[model] = served
            return
        leads = features_of_leads(self._database, served.spec, lead_ids, as_of=as_of)
        answering = answering_of(served)
        answered = score(served, answering, leads.features, leads.found)
        answers = lead_answers(
            served,
            answering,
            answered,
            leads,
            tellers=self._tellers,
            find=nobody,
            explain=explain,
            rank=rank,
        )
        for lead_id, answer in zip(leads.found, answers, strict=True):
            said.setdefault(lead_id, {})[model] = answer

"""Features of leads as serving needs them, by the same functions as in training.

A model of event histories is trained on leads at one age. A lead that is older is scored as of that age too:
it is what the model knows to judge, and the numbers are those of the training row that the lead will become.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from estate.core.frame import Frame
from estate.core.model_spec import CrmSource, ModelSpec
from estate.features.events import DAY_US
from estate.features.histories import build_histories, micros
from estate.store.database import Database
from estate.store.facts import read_facts


@dataclass(frozen=True)
class LeadFeatures:
    """Features of the leads that were found.

    Parameters
    ----------
    features : Frame
        One row for each of ``found``, in that order.
    found, missing : tuple of str
        Leads that are known by ``as_of``, in the order asked for, and those that are not.
    """

    features: Frame
    found: tuple[str, ...]
    missing: tuple[str, ...]


def features_of_leads(
    database: Database, spec: ModelSpec, lead_ids: Sequence[str], *, as_of: datetime
) -> LeadFeatures:
    """Read the histories of some leads and compute a model's features.

    Parameters
    ----------
    database : Database
    spec : ModelSpec
        A model of event histories.
    lead_ids : sequence of str
    as_of : datetime
        Facts that happened or were learned later are not seen; of a lead that is older than the model's
        age, neither are those after it reached that age.
    """
    age_us = int(spec.source.age_days * DAY_US) if isinstance(spec.source, CrmSource) else 0
    wanted = tuple(dict.fromkeys(lead_ids))
    facts = {
        kind: read_facts(database, kind, lead_ids=wanted, as_of=as_of)
        for kind in ("leads", "interactions", "messages")
    }
    facts |= {kind: read_facts(database, kind, as_of=as_of) for kind in ("properties", "market_index")}
    known = set(facts["leads"]["lead_id"])
    found = tuple(name for name in wanted if name in known)
    created = micros(facts["leads"].set_index("lead_id").loc[list(found), "event_at"])
    moments = np.minimum(int(as_of.timestamp() * 1e6), created + age_us)
    histories = build_histories(np.array(found, dtype=object), moments, facts)
    return LeadFeatures(spec.features.compute(histories), found, tuple(n for n in wanted if n not in known))

"""What the service says of leads: the risk, its level and timing, the signs, and what may be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from estate.core.errors import DataError
from estate.core.frame import Frame
from estate.services.churn.choosing import proposals
from estate.services.churn.effects import PRIOR_DEVIATION, PRIOR_EFFECT, Effect
from estate.services.churn.indicators import STATED, Usuals, indicators_of
from estate.services.churn.interventions import INTERVENTIONS
from estate.services.churn.levels import LEVELS, levels_of, meaning
from estate.services.churn.model import AGE_DAYS, HORIZON_DAYS
from estate.services.churn.rules import churn_by_silence
from estate.services.churn.schema import ChurnAnswer, Level, LevelMeaning, Source
from estate.services.churn.timing import Curve, even, risk_from, timing_of

_NO_MEANING = LevelMeaning(0, None, None, None, "not measured: no version has been judged on this level")


def _stated_curves() -> Mapping[Level, Curve]:
    return dict.fromkeys(LEVELS, even(HORIZON_DAYS))


def _stated_effects() -> Mapping[str, Effect]:
    return {kind: Effect(PRIOR_EFFECT, PRIOR_DEVIATION, "stated") for kind in INTERVENTIONS}


@dataclass(frozen=True)
class Desk:
    """What is known of the desk as a whole; what was not measured yet is stated, and says so.

    Parameters
    ----------
    usuals : mapping of str to float
        What is usual among its leads.
    curves : mapping of str to Curve
        When leads of each level leave.
    effects : mapping of str to Effect
        Of each kind of intervention.
    """

    usuals: Usuals = field(default_factory=lambda: dict(STATED))
    curves: Mapping[Level, Curve] = field(default_factory=_stated_curves)
    effects: Mapping[str, Effect] = field(default_factory=_stated_effects)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Desk:
        """Read what :meth:`to_dict` returned; a kind or level that is new since then is as stated.

        Raises
        ------
        DataError
            If it is something else.

        Examples
        --------
        >>> Desk.of(Desk().to_dict()) == Desk()
        True
        """
        stated = cls()
        try:
            told_curves: dict[Level, Curve] = {
                name: Curve(tuple(one["left"]), one["basis"]) for name, one in document["curves"].items()
            }
            told_effects = {kind: Effect(**one) for kind, one in document["effects"].items()}
            return cls(
                {**stated.usuals, **document["usuals"]},
                {**stated.curves, **told_curves},
                {**stated.effects, **told_effects},
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError("what is known of the desk", expected="usuals, curves and effects") from error


@dataclass(frozen=True)
class Judged:
    """What the model, or the rules, said of one lead.

    Parameters
    ----------
    lead_id : str
    risk : float
    source : {"model", "rules"}
    version : str
    rate : (float, float, float, int), optional
        Share of a level's leads that left, its interval, and how many they were.
    prediction_id : str, optional
        Under which the answer is kept.
    """

    lead_id: str
    risk: float
    source: Source
    version: str
    rate: tuple[float, float, float, int] | None = None
    prediction_id: str | None = None


def assess(  # noqa: PLR0913 - who, and what is known, by name
    judged: Sequence[Judged],
    facts: Frame,
    *,
    as_of: datetime,
    desk: Desk,
    lead_value_usd: float,
    notes: Sequence[str] = (),
) -> list[ChurnAnswer]:
    """Put together what is known of leads; one alone gives the same as among others.

    Parameters
    ----------
    judged : sequence of Judged
        n leads.
    facts : Frame
        What :data:`~.indicators.FACTS` computes of these leads as of now, n rows.
    as_of : datetime
        When "now" is.
    desk : Desk
    lead_value_usd : float
        What a kept lead is worth.
    notes : sequence of str
        What is otherwise than usual in all of these answers.
    """
    signs = indicators_of(facts, desk.usuals)
    age = np.nan_to_num(facts["lead_age_days"], nan=0.0).tolist()
    waited = np.log1p(np.maximum(facts["first_response_hours"], 0.0))
    by_rules = churn_by_silence(
        Frame({"silence_days": facts["silence_days"], "first_response_hours_log": waited}, len(facts))
    ).tolist()
    made = []
    for i, one in enumerate(judged):
        since = max(age[i] - AGE_DAYS, 0.0)
        (judged_level,) = levels_of(np.array([one.risk]))
        curve = desk.curves[judged_level]
        over = since >= HORIZON_DAYS
        now = by_rules[i] if over else risk_from(one.risk, curve, since)
        (level,) = levels_of(np.array([now]))
        fired, unknown = signs[i]
        said = list(notes)
        if over:
            said.append(
                f"the model judges the {HORIZON_DAYS} days after the first {AGE_DAYS}: they are over, "
                "and the risk from now on is the rules'"
            )
        made.append(
            ChurnAnswer(
                lead_id=one.lead_id,
                as_of=as_of,
                judged_at_days=min(age[i], float(AGE_DAYS)),
                risk=one.risk,
                risk_now=now,
                level=level,
                meaning=_meaning(one, level == judged_level and not over),
                source="rules" if over else one.source,
                version="rules" if over else one.version,
                indicators=fired,
                not_known=unknown,
                timing=None if over else timing_of(one.risk, curve, since),
                proposals=proposals(fired, now, desk.effects, lead_value_usd=lead_value_usd),
                notes=tuple(said),
                prediction_id=one.prediction_id,
            )
        )
    return made


def _meaning(one: Judged, applies: bool) -> LevelMeaning:
    if one.rate is None or not applies:
        return _NO_MEANING
    share, low, high, rows = one.rate
    return meaning(rows, round(share * rows), low, high, horizon_days=HORIZON_DAYS)

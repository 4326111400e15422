"""Which intervention is worth it: by the signs that fire, by cost, by what it has done before."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

from estate.services.churn.effects import Effect
from estate.services.churn.interventions import INTERVENTIONS
from estate.services.churn.schema import Arm, Indicator, Proposal


def proposals(
    fired: Sequence[Indicator], risk: float, effects: Mapping[str, Effect], *, lead_value_usd: float
) -> tuple[Proposal, ...]:
    """Return what answers a sign of the lead and is expected to be worth more than it costs, best first.

    What it brings is its effect, times the risk, times what a kept lead is worth, times the severity of the
    worst sign that it answers; ties go to the cheaper one.

    Parameters
    ----------
    fired : sequence of Indicator
    risk : float
        Probability to leave from now on.
    effects : mapping of str to Effect
        By kind.
    lead_value_usd : float
    """
    made = []
    for kind, one in INTERVENTIONS.items():
        answered = [sign for sign in fired if sign.name in one.answers]
        if not answered:
            continue
        fit = max(sign.severity for sign in answered)
        benefit = effects[kind].value * risk * lead_value_usd * fit - one.cost_usd
        if benefit > 0:
            made.append(
                Proposal(
                    kind=kind,
                    title=one.title,
                    channel=one.channel,
                    answers=tuple(sign.name for sign in answered),
                    effect=effects[kind].value,
                    effect_basis=effects[kind].basis,
                    minutes=one.minutes,
                    cost_usd=one.cost_usd,
                    benefit_usd=benefit,
                )
            )
    return tuple(sorted(made, key=lambda p: (-p.benefit_usd, p.cost_usd, p.kind)))


def arm_of(key: bytes, lead_id: str, round_number: int, *, held_back: float) -> tuple[Arm, float]:
    """Draw a lead's arm in a round: the same at each call, and nobody can tell it without the key.

    Parameters
    ----------
    key : bytes
        Secret of the installation.
    held_back : float
        Share of leads that nothing is proposed to, in [0, 1).

    Returns
    -------
    arm : {"proposed", "held_back"}
    propensity : float
        The probability of that arm.

    Examples
    --------
    >>> arm_of(b"key", "lead-17", 0, held_back=0.0)
    ('proposed', 1.0)
    >>> arm_of(b"key", "lead-17", 0, held_back=0.5) == arm_of(b"key", "lead-17", 0, held_back=0.5)
    True
    """
    drawn = hmac.new(key, f"{round_number}\0{lead_id}".encode("utf-8", "surrogatepass"), sha256).digest()
    uniform = int.from_bytes(drawn[:8], "big") / 2.0**64
    return ("held_back", held_back) if uniform < held_back else ("proposed", 1.0 - held_back)

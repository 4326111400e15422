"""What the gate measured, bound to the version that it measured."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime

from estate.core.search_summary import SearchedParameter, SearchSummary


@dataclass(frozen=True)
class Measure:
    """One metric of one model on the holdout.

    Parameters
    ----------
    name : str
    value : float
    low, high : float
        Ends of the 90 % bootstrap interval.
    """

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Finding:
    """What one rule of the gate found.

    Parameters
    ----------
    code : str
        ``GATE101`` and so on; each stands in the docs.
    passed : bool
    sentence : str
        For a person, with the numbers.
    """

    code: str
    passed: bool
    sentence: str


@dataclass(frozen=True)
class Slice:
    """The gate's metric on the rows of one category value."""

    column: str
    value: str
    rows: int
    metric: float


@dataclass(frozen=True)
class Group:
    """How often a protected group is selected.

    Parameters
    ----------
    column, value : str
    rows : int
    selected : float
        Share of the group among the rows that the desk would act on, in [0, 1].
    impact_ratio : float
        That share over the one of the most selected group, in [0, 1].
    """

    column: str
    value: str
    rows: int
    selected: float
    impact_ratio: float


@dataclass(frozen=True)
class ServingCost:
    """What a version costs in a serving process of its own.

    Parameters
    ----------
    p95_ms : float
        Latency of one row over HTTP, warm, in milliseconds.
    memory_mb : float
        Resident memory that loading it added, in MB.
    requests : int
        How many were timed.
    golden_difference : float
        Greatest difference of its answers over HTTP to the golden scores.
    """

    p95_ms: float
    memory_mb: float
    requests: int
    golden_difference: float


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The whole of what is known of a version when it is judged.

    Parameters
    ----------
    model, training_key, bundle_digest : str
        Which version: the digest is over all files of its bundle.
    verdict : bool
        Whether every rule passed.
    findings, measures, baseline, champion, slices
        Rules; metrics of the challenger, of the baseline (constant or rules), of the champion: same rows.
    champion_version : str or None
    data_fingerprint, feature_fingerprint, code_version : str
    as_of : datetime
        The training knew nothing later.
    rows : int
        Of the whole training set; ``holdout_rows`` of them were frozen for the gate.
    mature_share : float
        Share of the candidates old enough to have a label, in [0, 1].
    artifacts_digest : str
        SHA-256 over every file that is registered, MLflow's own files among them; empty in old evidence.
    requirements_digest : str
        SHA-256 over names and versions of all installed packages.
    trained_by : str
        Who asked for the training: ``schedule``, ``drift``, or a person's name.
    holdout_uses : int
        Earlier gates of this model that judged on at least half of these rows.
    groups : tuple of Group
        Of the protected attributes.
    serving : ServingCost or None
        None where it was not measured.
    memory : str
        How far back it learned and why, where a backtest chose it; empty where nothing was chosen.
    search : SearchSummary or None
        None where the spec names no search.
    """

    model: str
    training_key: str
    bundle_digest: str
    verdict: bool
    findings: tuple[Finding, ...]
    measures: tuple[Measure, ...]
    baseline: tuple[Measure, ...]
    champion: tuple[Measure, ...]
    champion_version: str | None
    slices: tuple[Slice, ...]
    data_fingerprint: str
    feature_fingerprint: str
    code_version: str
    as_of: datetime
    rows: int
    holdout_rows: int
    mature_share: float
    artifacts_digest: str = ""
    requirements_digest: str = ""
    trained_by: str = "unknown"
    holdout_uses: int = 0
    groups: tuple[Group, ...] = ()
    serving: ServingCost | None = None
    memory: str = ""
    search: SearchSummary | None = None

    def to_json(self) -> str:
        """Return the canonical form: sorted keys, no spaces."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), default=_iso)

    @classmethod
    def from_json(cls, text: str) -> Evidence:
        """Read what :meth:`to_json` wrote."""
        raw = json.loads(text)
        parts = {
            "findings": Finding,
            "measures": Measure,
            "baseline": Measure,
            "champion": Measure,
            "slices": Slice,
            "groups": Group,
        }
        for name, kind in parts.items():
            raw[name] = tuple(kind(**item) for item in raw.get(name, ()))
        if raw.get("serving"):
            raw["serving"] = ServingCost(**raw["serving"])
        if raw.get("search"):
            named = tuple(SearchedParameter(**one) for one in raw["search"].pop("parameters"))
            raw["search"] = SearchSummary(parameters=named, **raw["search"])
        raw["as_of"] = datetime.fromisoformat(raw["as_of"])
        return cls(**raw)

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def refusals(self) -> tuple[Finding, ...]:
        """Return the rules that did not pass."""
        return tuple(finding for finding in self.findings if not finding.passed)


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)

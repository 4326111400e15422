"""Which role a route asks for."""

from __future__ import annotations

from serving.guard.api_key import Role

_OPEN = ("/health/", "/v2/health/")
_OPEN_EXACT = ("/ping", "/health")  # as clients of `mlflow models serve` ask
_SIGNED = "/v1/webhooks/"  # who sends there has no key: each body is signed
_METRICS = "/metrics"
_OUTCOMES = "/v1/outcomes"
_LEADS, _INTERVENTIONS = "/v1/leads/", "/interventions"  # of a lead: what was made of them
_SCORE = (
    "/v1/models",
    "/v1/leads",
    "/v1/predictions",
    "/v2",
    "/invocations",
    "/models/",
    "/version",
    "/docs",
    "/openapi.json",
)


def role_of(path: str, *, metrics_open: bool) -> Role | None:
    """Return the role that a path asks for; None where nobody is asked who they are.

    Parameters
    ----------
    path : str
        Decoded, as it is routed.
    metrics_open : bool

    Examples
    --------
    >>> role_of("/v1/models/churn/predict", metrics_open=False)
    <Role.SCORE: 'score'>
    >>> role_of("/v1/leads/lead-17/interventions", metrics_open=False)
    <Role.FEEDBACK: 'feedback'>
    >>> role_of("/v1/leads/lead-17/interventions\\n", metrics_open=False)  # routed like the one above
    <Role.FEEDBACK: 'feedback'>
    >>> role_of("/what/comes/later", metrics_open=False)
    <Role.ADMIN: 'admin'>
    >>> role_of("/health/live", metrics_open=False) is None
    True
    """
    if path.startswith((*_OPEN, _SIGNED)) or path in _OPEN_EXACT or (path == _METRICS and metrics_open):
        return None
    noted = path.startswith(_LEADS) and path.rstrip("/\n").endswith(_INTERVENTIONS)
    if noted or path.startswith(_OUTCOMES):
        return Role.FEEDBACK
    return Role.SCORE if path.startswith(_SCORE) else Role.ADMIN

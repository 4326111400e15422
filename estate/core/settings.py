"""One typed settings object: environment, then ``.env``, then default."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from estate.core.errors import SettingsError

ENDPOINTS_FILE = "endpoints.json"
OWN_MODELS = Path(__file__).parents[2] / "models"
"""The same folder for the command line, the workers and serving, wherever they are started."""


class Settings(BaseSettings):
    """Where Leadloop finds its parts. Every field is the environment variable ``LEADLOOP_<NAME>``.

    Addresses that are not set are read from ``<home>/endpoints.json``, which the local stack writes.
    """

    model_config = SettingsConfigDict(env_prefix="LEADLOOP_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(Path(".leadloop"), description="folder of all local state")
    host: str = Field("127.0.0.1", description="address that the local stack listens on")
    database_url: SecretStr | None = Field(None, description="Postgres of Leadloop; embedded if not set")
    owner_database_url: SecretStr | None = Field(
        None, description="the same database as a user who owns its tables: migrations run as that one"
    )
    mlflow_database_url: SecretStr | None = Field(None, description="Postgres database of MLflow")
    prefect_database_url: SecretStr | None = Field(None, description="Postgres database of Prefect")
    mlflow_url: str | None = Field(None, description="MLflow tracking and registry server")
    prefect_url: str | None = Field(None, description="Prefect API")
    serving_url: str | None = Field(None, description="serving process, for clients")
    postgres_port: int = Field(0, ge=0, le=65535, description="0: a free one, remembered")
    mlflow_port: int = Field(5000, ge=0, le=65535, description="preferred; another one if it is taken")
    prefect_port: int = Field(4200, ge=0, le=65535, description="preferred; another one if it is taken")
    serving_port: int = Field(8000, ge=0, le=65535, description="preferred; another one if it is taken")
    # Not `keys`: a model with an attribute of that name is taken for a mapping.
    signing_keys: Path | None = Field(
        None, description="folder of the signing keys; `<home>/keys` if not set"
    )
    serving_workers: int = Field(
        0, ge=0, le=64, description="processes that answer on the port of serving; 0: one does everything"
    )
    serving_queue_rows: int = Field(
        20_000, ge=1, description="rows that may wait for one model in one process; more is turned away"
    )
    serving_max_body_bytes: int = Field(8 * 1024 * 1024, ge=1024, description="of one request")
    serving_max_rows: int = Field(10_000, ge=1, description="of one request")
    serving_max_seconds: float = Field(
        30.0, gt=0, description="from a request's last byte to its answer's first"
    )
    serving_max_arrival_seconds: float = Field(
        10.0, gt=0, description="that a head may take to arrive, and a body: one more for each 16 KiB"
    )
    serving_max_batch_bytes: int = Field(
        64 * 1024 * 1024,
        ge=65536,
        description="of one batch of an Arrow stream or a page of Parquet, unpacked",
    )
    serving_max_spool_bytes: int = Field(
        1024 * 1024 * 1024, ge=65536, description="on disk: of a Parquet body, and of answers not taken yet"
    )
    serving_rate: float | None = Field(
        None, gt=0, description="rows a second of an API key without a rate of its own; of all without keys"
    )
    serving_slow_ms: float = Field(500.0, gt=0, description="a request that takes longer is logged")
    crm_secret: SecretStr | None = Field(
        None, description="shared with the CRM that signs its webhook with HMAC-SHA256"
    )
    crm_keys: Path | None = Field(
        None, description="PEM file with the public keys (RSA, Ed25519) of the CRM that signs its webhook"
    )
    crm_mapping: Path | None = Field(
        None, description="mapping file of the CRM's contacts; custom fields by their id or key"
    )
    crm_extraction: Path | None = Field(
        None, description="file that says what is read from the CRM's own database, and how"
    )
    dask: str | None = Field(
        None, description="Dask scheduler whose workers compute features of trainings, tcp://host:8786"
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis that serving processes share; none if not set"
    )
    cache_secret: SecretStr | None = Field(
        None, description="hides and seals what is in Redis; made of the database's address if not set"
    )
    cache_memory_seconds: float = Field(5.0, ge=0, description="of a lead's features in memory; 0: not used")
    cache_memory_mb: float = Field(64.0, ge=0, description="each for features of leads and scores; 0: none")
    cache_redis_seconds: float = Field(30.0, ge=0, description="of a lead's features in Redis; 0: not used")
    cache_stale_seconds: float = Field(
        600.0, ge=0, description="of a lead's features while the database is away; 0: no answer then"
    )
    cache_scores_above_ms: float = Field(
        1.0, ge=0, description="a model that takes longer for one row has its scores kept; 0: none"
    )
    serving_journal_mb: float = Field(
        2048.0,
        ge=1,
        description="disk for answers on their way to the database; beyond it they wait in memory",
    )
    shown_homes_share: float = Field(
        1.0, ge=0, le=1, description="of leads, of whom the homes that are shown are kept as predictions"
    )
    metrics_open: bool | None = Field(
        None, description="whether /metrics needs no API key; on loopback it needs none if not set"
    )
    tracing_url: str | None = Field(None, description="collector of traces, OTLP over HTTP")
    tracing_share: float = Field(1.0, ge=0, le=1, description="of requests whose traces are sent")
    user: str | None = Field(
        None, description="name under which commands decide; the system's user if not set"
    )
    models: Annotated[tuple[Path, ...], NoDecode] = Field(
        (OWN_MODELS,), description="your own model files or folders of them, separated by `:`"
    )
    alert_owner: str = Field("platform", description="who sees to incidents of a model that names nobody")
    alert_smtp_url: SecretStr | None = Field(
        None, description="mail server of alerts: smtp://user:password@host:587 (STARTTLS) or smtps://…:465"
    )
    alert_sender: str | None = Field(None, description="address that alerts come from; made of the server's")
    alert_recipients: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="addresses that alerts go to, separated by `,`"
    )
    alert_webhook_url: SecretStr | None = Field(
        None, description="Slack-compatible webhook of alerts; https, or http on loopback"
    )
    alert_quiet_hours: str | None = Field(
        None,
        pattern=r"^[0-2]\d:[0-5]\d-[0-2]\d:[0-5]\d( [A-Za-z0-9_+/-]+)?$",
        description="such as `22:00-07:00 Europe/Paris`, UTC without a zone: only breaking alerts are sent",
    )
    alert_repeat_hours: float = Field(
        24.0, gt=0, description="after which an incident that is still open is told again"
    )
    alarm_budget: float = Field(
        0.1, gt=0, le=1, description="false alarms of drift that the watch may expect of a model in 30 days"
    )
    intervention_holdback: float = Field(
        0.1, ge=0, lt=1, description="share of leads that nothing is proposed to, drawn by chance"
    )
    intervention_minutes: float | None = Field(
        None, ge=0, description="of all agents together for interventions in a day; no limit if not set"
    )
    intervention_most: Annotated[dict[str, Annotated[int, Field(ge=0)]], NoDecode] = Field(
        {}, description="interventions of a kind in a day, such as call=20,offer_tour=4"
    )
    desk_timezone: str = Field("UTC", description="in which the desk's day begins and ends")
    lead_value_usd: float = Field(
        200.0, ge=0, description="what it is worth that a lead does not leave, beside what keeps it"
    )
    next_action_replies: float = Field(
        0.5, ge=0, le=1, description="chance to reply within 7 days from which on a call alone is proposed"
    )
    next_action_tours: float = Field(
        0.35, ge=0, le=1, description="chance to tour a home within 21 days from which on a lead means it"
    )
    next_action_pays: float = Field(
        0.3,
        ge=0,
        le=1,
        description="chance to be found able to pay below which a lead that means it is asked about it",
    )
    reports_kept: int = Field(90, ge=1, description="reports of the watch that are kept of each model")
    evidently_port: int | None = Field(
        None, ge=1, le=65535, description="of Evidently's own dashboard; not started if not set"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least level that is logged"
    )
    log_format: Literal["text", "json"] = Field("text", description="form of log lines")

    @field_validator("models", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(Path(part).expanduser().absolute() for part in value.split(":") if part)

    @field_validator("alert_recipients", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("intervention_most", mode="before")
    @classmethod
    def _counted(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in value.split(",") if part.strip()]
        return {kind.strip(): most.strip() for kind, _, most in pairs}

    def endpoint(self, name: Literal["database_url", "mlflow_url", "prefect_url", "serving_url"]) -> str:
        """Return the address of a part: the setting, else what the local stack wrote.

        Raises
        ------
        SettingsError
            If neither is there.
        """
        value = getattr(self, name) or self._remembered().get(name)
        if not value:
            raise SettingsError(
                f"address `{name}`",
                expected=f"LEADLOOP_{name.upper()} or a running stack",
                got=f"neither (no {self.home / ENDPOINTS_FILE})",
                todo="Run `leadloop up` or set the variable.",
            )
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    def _remembered(self) -> dict[str, str]:
        path = self.home / ENDPOINTS_FILE
        try:
            remembered: dict[str, str] = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        return remembered


def load_settings() -> Settings:
    """Read the settings once, at the start of a process.

    Raises
    ------
    SettingsError
        If a variable has a wrong value; names the variable, never its value where it is secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = f"LEADLOOP_{str(first['loc'][0]).upper()}"
        raise SettingsError(
            f"setting {name}", expected=first["msg"], todo="Correct the environment or .env."
        ) from error

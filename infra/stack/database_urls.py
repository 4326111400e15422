"""One Postgres address in the form that each program wants."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from estate.core.errors import SettingsError

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg")

# What libpq calls it, and what asyncpg calls it; None: asyncpg knows no such thing.
_ASYNCPG = {"sslmode": "ssl", "connect_timeout": "timeout", "application_name": None, "channel_binding": None}


def libpq(url: str) -> str:
    """Return the address for psycopg and ``psql``.

    Raises
    ------
    SettingsError
        If it is no Postgres address; the message shows the scheme only, since the rest holds a password.

    Examples
    --------
    >>> libpq("postgresql+asyncpg://desk:secret@db:5432/leadloop")
    'postgresql://desk:secret@db:5432/leadloop'
    >>> libpq("sqlite:///leads.db")
    Traceback (most recent call last):
    estate.core.errors.SettingsError: database address: expected postgresql://user:password@host:port/name, \
got the scheme 'sqlite'. Correct LEADLOOP_DATABASE_URL (or the one of MLflow or Prefect).
    """
    return _with_scheme(url, "postgresql")


def psycopg(url: str) -> str:
    """Return the address for SQLAlchemy with psycopg 3.

    Examples
    --------
    >>> psycopg("postgres://db/leadloop")
    'postgresql+psycopg://db/leadloop'
    """
    return _with_scheme(url, "postgresql+psycopg")


def asyncpg(url: str) -> str:
    """Return the address for SQLAlchemy with asyncpg, the query in asyncpg's words.

    Examples
    --------
    >>> asyncpg("postgresql://db/prefect?sslmode=require&application_name=x")
    'postgresql+asyncpg://db/prefect?ssl=require'
    """
    parts = urlsplit(_with_scheme(url, "postgresql+asyncpg"))
    query = [(_ASYNCPG.get(key, key), value) for key, value in parse_qsl(parts.query)]
    return urlunsplit(parts._replace(query=urlencode([(key, value) for key, value in query if key])))


def beside(url: str, name: str) -> str:
    """Return the address of another database on the same server.

    Examples
    --------
    >>> beside("postgresql://desk@db/leadloop?sslmode=require", "mlflow")
    'postgresql://desk@db/mlflow?sslmode=require'
    """
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name)}"))


def database_name(url: str) -> str:
    """Return the database of an address.

    Examples
    --------
    >>> database_name("postgresql://desk@db:5432/leadloop")
    'leadloop'
    """
    return urlsplit(url).path.lstrip("/")


def without_password(url: str) -> str:
    """Return host, port and database, for people.

    Examples
    --------
    >>> without_password("postgresql://desk:secret@db:5432/leadloop?sslmode=require")
    'db:5432/leadloop'
    """
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path}"


def _with_scheme(url: str, scheme: str) -> str:
    given, separator, rest = url.partition("://")
    if given not in SCHEMES or not separator:
        raise SettingsError(
            "database address",
            expected="postgresql://user:password@host:port/name",
            got=f"the scheme {given[:20]!r}" if separator else "no scheme",
            todo="Correct LEADLOOP_DATABASE_URL (or the one of MLflow or Prefect).",
        )
    return f"{scheme}://{rest}"

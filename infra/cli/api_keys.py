"""``leadloop api-keys``: who may ask serving, and how often. A key is printed once, when it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from datetime import datetime

    from serving.guard.api_key import ApiKey
    from serving.guard.key_file import KeyFile

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Name = Annotated[str, typer.Option("--name", help="For people and logs: a to z, 0 to 9 and -.")]
RoleOption = Annotated[
    Literal["score", "feedback", "admin"],
    typer.Option("--role", help="score: ask for scores; feedback: also say what came of leads; admin: all."),
]
RateOption = Annotated[str | None, typer.Option("--rate", help="Rows a second, such as 100/s.")]
BurstOption = Annotated[
    float | None, typer.Option("--burst", help="Rows at once; those of one second if not given.")
]
ExpiresOption = Annotated[
    str | None,
    typer.Option("--expires", help="A date or time in UTC, or a span from now, such as 90d or 12h."),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.callback()(api_keys)
    group.command("create")(create)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    app.add_typer(group, name="api-keys")


def api_keys() -> None:
    """The keys that serving asks for; without any it answers everybody, but listens only on this machine."""


def create(
    name: Name,
    role: RoleOption,
    rate: RateOption = None,
    burst: BurstOption = None,
    expires: ExpiresOption = None,
) -> None:
    """Make a key and print it, this once; running serving processes take it within a second."""
    from serving.guard.api_key import KeyTerms, Role

    until = _moment(expires) if expires else None
    terms = KeyTerms(
        name=name, role=Role(role), rate=_rate(rate) if rate else None, burst=burst, expires=until
    )
    _, presented = _file().create(terms)
    typer.echo(presented)
    typer.echo(
        f"This is the key `{name}` ({role}). It can't be shown again. "
        "Send it as `authorization: Bearer KEY` or `x-api-key: KEY`.",
        err=True,
    )


def list_keys(as_json: AsJson = False) -> None:
    """List every key that was made, without what must be kept secret."""
    import json

    file = _file()
    keys = file.read()
    if as_json:
        typer.echo(json.dumps({"file": str(file.path), "keys": [_row(key) for key in keys]}))
        return
    typer.echo(f"API keys in {file.path}" if keys else f"no API keys in {file.path}")
    for row in map(_row, keys):
        rate = f"{row['rate']:g} rows/s, {row['burst']:g} at once" if row["rate"] else "no rate of its own"
        until = f", until {row['expires']}" if row["expires"] else ""
        typer.echo(f"{row['name']}  {row['role']}  {row['state']}  {rate}, since {row['created']}{until}")


def revoke(name: Annotated[str, typer.Argument(help="As `leadloop api-keys list` names it.")]) -> None:
    """End a key; running serving processes refuse it within a second."""
    _file().revoke(name)
    typer.echo(f"API key {name} is revoked.")


def _file() -> KeyFile:
    from estate.core.settings import load_settings
    from serving.guard.key_file import key_file

    return key_file(load_settings())


def _row(key: ApiKey) -> dict[str, object]:
    from estate.core.clock import now

    return {
        "name": key.name,
        "id": key.id,
        "role": key.role.value,
        "state": key.state(now()),
        "rate": key.rate,
        "burst": key.most_at_once,
        "created": f"{key.created:%Y-%m-%dT%H:%M:%SZ}",
        "expires": f"{key.expires:%Y-%m-%dT%H:%M:%SZ}" if key.expires else None,
        "revoked": f"{key.revoked:%Y-%m-%dT%H:%M:%SZ}" if key.revoked else None,
    }


def _rate(said: str) -> float:
    """Read rows a second."""
    from estate.core.errors import SettingsError

    number, slash, unit = said.partition("/")
    try:
        if slash and unit != "s":
            raise ValueError
        return float(number)
    except ValueError:
        expected = "rows a second, such as 100/s"
        raise SettingsError("rate of an API key", expected=expected, got=repr(said)) from None


def _moment(said: str) -> datetime:
    """Read when a key ends."""
    from datetime import timedelta

    from estate.core.clock import now
    from estate.core.errors import SettingsError
    from infra.cli.typed_moment import parse_moment

    unit = {"d": timedelta(days=1), "h": timedelta(hours=1)}.get(said[-1:])
    if unit is None:
        return parse_moment(said)
    try:
        return now() + unit * float(said[:-1])
    except (ValueError, OverflowError):
        expected = "a time, or a span such as 90d or 12h"
        raise SettingsError("end of an API key", expected=expected, got=repr(said)) from None

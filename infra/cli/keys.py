"""``leadloop keys``: whose signature under a version's evidence counts. No private key is ever printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from estate.signing import KeyRing

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
KeyId = Annotated[str, typer.Argument(help="As `leadloop keys list` names it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
    group.callback()(keys)
    group.command("list")(list_keys)
    group.command("init")(init)
    group.command("rotate")(rotate)
    group.command("revoke")(revoke)
    app.add_typer(group, name="keys")


def keys() -> None:
    """The keys that sign evidence: only versions with a trusted signature go into production."""


def list_keys(as_json: AsJson = False) -> None:
    """List every key: which one signs, which ones are trusted, which ones were revoked."""
    import json

    ring = _ring()
    found = ring.listed()
    if as_json:
        rows = [{"id": k.key_id, "state": k.state, "since": k.since.isoformat()} for k in found]
        typer.echo(json.dumps({"folder": str(ring.trusted.parent), "keys": rows}))
        return
    typer.echo(f"keys in {ring.trusted.parent}" if found else f"no keys in {ring.trusted.parent}")
    for key in found:
        typer.echo(f"{key.key_id}  {key.state:<8} since {key.since:%Y-%m-%d %H:%M} UTC")


def init() -> None:
    """Make the first key, if there is none; `leadloop up` does so too."""
    from estate.core.settings import load_settings
    from estate.signing import ensure_keys, key_ring

    settings = load_settings()
    there = key_ring(settings).signing.exists()
    name = ensure_keys(settings).signing_key().key_id
    typer.echo(f"Key {name} signs already." if there else f"Key {name} was made: it signs from now on.")


def rotate() -> None:
    """Make a new key that signs from now on; the old one stays trusted, and so do its versions."""
    name = _ring().make_signing_key().key_id
    typer.echo(
        f"Key {name} signs from now on. Versions that other trusted keys signed can still be promoted."
    )


def revoke(key: KeyId) -> None:
    """Trust a key no more: its versions can't be promoted, and serving does not newly load them."""
    _ring().revoke(key)
    typer.echo(f"Key {key} is revoked. Train the models again whose versions in production it signed.")


def _ring() -> KeyRing:
    from estate.core.settings import load_settings
    from estate.signing import key_ring

    return key_ring(load_settings())

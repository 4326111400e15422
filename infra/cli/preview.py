"""``leadloop promote --dry-run``: what the judge says, and how today's scores would move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from estate.core.settings import Settings

if TYPE_CHECKING:
    from estate.training.preview import Mover, NoPreview, Preview


def show_preview(settings: Settings, model: str, version: str, *, as_json: bool) -> None:
    """Print whether a version would be accepted and what it would change; nothing is changed.

    Raises
    ------
    SpecError, RegistryError, StoreError
        If there is no such model or version, or either can't be asked.
    """
    from estate.catalog import load_catalog
    from estate.core.clock import now
    from estate.store.database import Database
    from estate.training.moves import METHOD
    from estate.training.preview import Preview
    from infra.cli.registry_view import print_json
    from model_registry import connect
    from model_registry.decision import Request
    from model_registry.dry_run import objections
    from model_registry.identity import who_am_i
    from model_registry.preview import preview_version

    registry, database = connect(settings), Database(settings.endpoint("database_url"))
    spec = load_catalog(settings).get(model)
    request = Request(model=model, version=version, who=who_am_i(settings), why="dry run")
    against = objections(registry, database, request)
    found = preview_version(registry, database, spec, version, as_of=now())
    shown = found if isinstance(found, Preview) else None
    if as_json:
        why = None if isinstance(found, Preview) else found.why
        verdict = {"model": model, "version": version, "accepted": not against, "refusals": against}
        print_json({**verdict, "preview": shown, "no_preview": why, "method": METHOD})
    else:
        _show(Console(highlight=False), against, found, name=f"{model} version {version}")


def _show(console: Console, against: Sequence[str], found: Preview | NoPreview, *, name: str) -> None:
    from estate.training.moves import METHOD
    from estate.training.preview import Preview

    verdict = f"would be refused. {' '.join(against)}" if against else "would be accepted."
    console.print(f"{name} {verdict} Nothing was changed.", soft_wrap=True, markup=False)
    if not isinstance(found, Preview):
        console.print(f"No preview: {found.why.rstrip('.')}.", soft_wrap=True, markup=False)
        return
    present = "the rules" if found.before == "rules" else f"version {found.before}"
    console.print(
        f"Against {present}, on {found.cases}: {found.changed_band:,} of {found.rows:,}"
        f" ({found.changed_band / found.rows:.1%}) change band.",
        soft_wrap=True,
        markup=False,
    )
    rank = "" if found.rank_correlation is None else f" Rank correlation {found.rank_correlation:.3f}."
    console.print(
        f"The score moves by {found.change_mean:.4g} on average, by {found.change_p95:.4g} or less in 95 of"
        f" 100 cases.{rank}",
        soft_wrap=True,
    )
    _show_bands(console, found)
    _show_movers(console, found.movers)
    console.print(METHOD, soft_wrap=True)


def _show_bands(console: Console, found: Preview) -> None:
    from infra.cli.registry_view import table_of

    if found.edges:
        console.print(
            f"Bands: {', '.join(found.bands)}; parted at {', '.join(f'{e:.4g}' for e in found.edges)}."
        )
    table = table_of("from \\ to", *(escape(name) for name in found.bands))
    for name, row in zip(found.bands, found.moved, strict=True):
        table.add_row(escape(name), *(f"{count:,}" for count in row))
    console.print(table)


def _show_movers(console: Console, movers: tuple[Mover, ...]) -> None:
    from infra.cli.registry_view import table_of

    if not movers:
        console.print("No score moves.")
        return
    table = table_of("biggest movers", "before", "after", "band", "why")
    for mover in movers:
        bands = dict.fromkeys((mover.band_before, mover.band_after))
        table.add_row(
            escape(mover.entity_id),
            f"{mover.before:.4g}",
            f"{mover.after:.4g}",
            escape(" to ".join(bands)),
            escape(", ".join(f"{reason.feature} {reason.amount:+.3g}" for reason in mover.reasons)),
        )
    console.print(table)

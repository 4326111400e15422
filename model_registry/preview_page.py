"""The preview on a version's page in the MLflow UI: a block at the end of its description."""

from __future__ import annotations

from estate.training.moves import METHOD
from estate.training.preview import Mover, NoPreview, Preview
from model_registry.connection import Registry, answering
from model_registry.page import CARD_LIMIT, cut

PREVIEW_LIMIT = 900
"""Characters of the block."""
_MARK = "\n\n## What a promotion would change\n\n"
_RULE = "\n\n---\n\n"
_MORE = "\n\n… (the whole card: `model_card.md` of the run)"


def write_preview(registry: Registry, model: str, version: str, markdown: str) -> None:
    """Put a preview at the end of a version's description, in the place of an earlier one.

    A card that leaves no room for it is cut, whole lines only, so that a reason still fits above; what stands
    above the card is left as it is. Safe to repeat. The caller holds the model's lock.

    Raises
    ------
    RegistryError
        If MLflow can't be reached.
    """
    with answering(registry, f"page of `{model}` version {version}"):
        shown = registry.client.get_model_version(model, version).description or ""
        body, _, _ = shown.partition(_MARK)
        reason, rule, card = body.rpartition(_RULE)
        block = f"{_MARK}{cut(markdown, PREVIEW_LIMIT)}"
        written = f"{reason}{rule}{_shortened(card, CARD_LIMIT - len(block))}{block}"
        if written != shown:
            registry.client.update_model_version(model, version, written)


def preview_markdown(preview: Preview | NoPreview) -> str:
    """Return the preview for the page; as many of the movers as there is room for."""
    if isinstance(preview, NoPreview):
        return f"No preview: {preview.why.rstrip('.')}."
    present = "the rules" if preview.before == "rules" else f"version {preview.before}"
    share = preview.changed_band / preview.rows
    rank = "" if preview.rank_correlation is None else f" Rank correlation {preview.rank_correlation:.3f}."
    text = (
        f"Against {present}, on {preview.cases}: **{preview.changed_band:,} ({share:.1%}) change band**"
        f"{_moves(preview)}. The score moves by {preview.change_mean:.4g} on average,"
        f" by {preview.change_p95:.4g} or less in 95 of 100 cases.{rank}"
    )
    if not preview.movers:
        return f"{text} No score moves."
    text += "\n\nBiggest movers:\n"
    for mover in preview.movers:
        line = f"\n- {_mover(mover)}"
        if len(text) + len(line) + len(METHOD) + 4 > PREVIEW_LIMIT:
            break
        text += line
    return f"{text}\n\n{METHOD}"


def _moves(preview: Preview) -> str:
    names = preview.bands
    found = [
        f"{names[i]} to {names[j]} {count:,}"
        for i, row in enumerate(preview.moved)
        for j, count in enumerate(row)
        if i != j and count
    ]
    return f" ({cut(', '.join(found), 300)})" if found else ""


def _mover(mover: Mover) -> str:
    why = ", ".join(f"`{reason.feature}` {reason.amount:+.3g}" for reason in mover.reasons)
    bands = "" if mover.band_before == mover.band_after else f" ({mover.band_before} to {mover.band_after})"
    name = cut(mover.entity_id, 60)
    return f"{name}: {mover.before:.4g} to {mover.after:.4g}{bands}: {why or 'no one feature'}"


def _shortened(card: str, room: int) -> str:
    if len(card) <= room:
        return card
    whole = card.removesuffix(_MORE)
    kept = whole[: room - len(_MORE)]
    return f"{kept.rpartition(chr(10))[0] or kept}{_MORE}"

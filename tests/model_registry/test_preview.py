"""What a promotion would change: computed from the registered bundles, written on the page, shown dry."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from estate.core.model_spec import ModelSpec, TableSource
from estate.core.prediction import AnsweredBy, Prediction
from estate.core.settings import Settings
from estate.signing import KeyRing
from estate.store import evidence as evidence_store
from estate.store import ledger
from estate.store.database import Database
from estate.store.ledger import Order
from estate.store.predictions import write_many
from estate.training.bundling import write_bundle
from estate.training.extract import extract
from estate.training.fit import fit
from estate.training.preview import NoPreview, Preview
from estate.training.split import Split, split_by_time
from infra.cli.preview import show_preview
from model_registry import Registration, Registry, connect, register
from model_registry.model_folder import build_model_folder
from model_registry.page import CARD_LIMIT, DESCRIPTION_LIMIT
from model_registry.preview import preview_version
from model_registry.preview_page import PREVIEW_LIMIT, preview_markdown, write_preview
from tests.model_registry.conftest import Registering, evidence_for
from tests.specs import home_spec, write_homes

NOW = datetime(2026, 3, 1, tzinfo=UTC)
Training = Callable[..., str]


@pytest.fixture
def spec(tmp_path: Path) -> ModelSpec:
    """Return a model that answers with one in two by its rules."""
    path = write_homes(tmp_path / "homes.csv", rows=1200)
    return home_spec(path, rules=lambda rows: np.full(len(rows), 0.5))


@pytest.fixture
def train(spec: ModelSpec, registry: Registry, database: Database, tmp_path: Path) -> Training:
    """Train on a table and register it with evidence; some of its holdout was asked for."""

    def make(key: str, path: Path | None = None) -> str:
        own = replace(spec, source=replace(spec.source, path=str(path))) if path else spec  # type: ignore[arg-type]
        parts = split_by_time(own, extract(own, None, as_of=NOW))
        bundle, _ = write_bundle(fit(own, parts), parts, tmp_path / key)
        example = bundle.encoder.matrix(parts.holdout.features)[:2]
        folder = tmp_path / f"{key}-model"
        wanted = Registration(
            model=spec.name,
            training_key=key,
            folder=folder,
            artifacts_digest=build_model_folder(bundle, example, folder),
            bundle_digest=bundle.digest,
            description="What it is for.\n" + "A line of the card.\n" * 20,
        )
        version = register(registry, database, wanted).version
        proof = replace(
            evidence_for(wanted),
            model=spec.name,
            artifacts_digest=wanted.artifacts_digest,
            feature_fingerprint=bundle.fingerprint,
        )
        assert registry.keys is not None
        signature = registry.keys.signing_key().sign("evidence", proof.to_json())
        with database.begin() as connection:
            evidence_store.save(connection, spec.name, version, proof, signature)
        ask(database, spec, parts)
        return version

    return make


def ask(database: Database, spec: ModelSpec, parts: Split) -> None:
    rows = parts.holdout.features.take(np.arange(100)).records()
    with database.begin() as connection:
        write_many(
            connection,
            [
                Prediction(
                    prediction_id=f"00000000-0000-0000-0000-{number:012d}",
                    model=spec.name,
                    version="1",
                    answered_by=AnsweredBy.MODEL,
                    entity_id=f"home-{number}",
                    score=0.5,
                    label=None,
                    features=row,
                    fingerprint=spec.features.fingerprint,
                    at=NOW,
                )
                for number, row in enumerate(rows)
            ],
        )


def promoted(database: Database, spec: ModelSpec, version: str) -> None:
    order = Order(model=spec.name, decision="promoted", to_version=version, who="ann", why="better")
    with database.begin() as connection:
        ledger.append(connection, order)


LATER = NOW.replace(day=2)


def test_a_version_is_compared_with_the_one_in_production(
    train: Training, spec: ModelSpec, registry: Registry, database: Database, tmp_path: Path
) -> None:
    first = train("first")
    promoted(database, spec, first)
    same = preview_version(registry, database, spec, train("again"), as_of=LATER)
    assert isinstance(same, Preview)
    assert (same.before, same.rows, same.changed_band, same.movers) == (first, 100, 0, ())
    other = train("other", write_homes(tmp_path / "other.csv", rows=1200, signal=-1.0))
    found = preview_version(registry, database, spec, other, as_of=LATER)
    assert isinstance(found, Preview)
    assert (found.before, found.after, found.cases) == (first, other, "100 cases of the latest 100 answers")
    assert found.changed_band > 10
    assert len(found.movers) == 10
    assert preview_version(registry, database, spec, first, as_of=LATER) == NoPreview(
        f"version {first} is in production already"
    )


def test_without_a_version_in_production_it_is_compared_with_the_rules(
    train: Training, spec: ModelSpec, registry: Registry, database: Database
) -> None:
    version = train("first")
    found = preview_version(registry, database, spec, version, as_of=LATER)
    assert isinstance(found, Preview)
    assert (found.before, found.rank_correlation) == ("rules", None)
    assert {mover.before for mover in found.movers} == {0.5}
    none = preview_version(registry, database, replace(spec, rules=None), version, as_of=LATER)
    assert isinstance(none, NoPreview)
    assert "nothing answers now" in none.why


def test_a_version_whose_signature_does_not_count_is_not_loaded(
    train: Training, spec: ModelSpec, registry: Registry, database: Database, tmp_path: Path
) -> None:
    version = train("first")
    stranger = replace(registry, keys=KeyRing(tmp_path / "none.pem", tmp_path / "none"))
    found = preview_version(stranger, database, spec, version, as_of=LATER)
    assert isinstance(found, NoPreview)
    assert "a signature of a trusted key" in found.why


def test_the_page_keeps_one_preview_under_its_card(
    train: Training, spec: ModelSpec, registry: Registry, database: Database
) -> None:
    version = train("first")

    def shown() -> str:
        return registry.client.get_model_version(spec.name, version).description or ""

    card = shown()
    write_preview(registry, spec.name, version, preview_markdown(NoPreview("nobody has asked yet")))
    assert shown().startswith(card)
    assert shown().endswith("No preview: nobody has asked yet.")
    found = preview_version(registry, database, spec, version, as_of=LATER)
    for _ in range(2):
        write_preview(registry, spec.name, version, preview_markdown(found))
    assert shown().startswith(card)
    assert "nobody has asked yet" not in shown()
    assert shown().count("## What a promotion would change") == 1
    assert "Biggest movers:\n\n- home-" in shown()


def test_a_reason_above_stays_and_a_long_card_gives_way(made: Registering, registry: Registry) -> None:
    version, model = made("long"), "lead_conversion"
    reason = "## Promotion refused\n\nWhy.\n\n---\n\n"
    card = "".join(f"Line {number} of a card.\n" for number in range(200))[:CARD_LIMIT]
    registry.client.update_model_version(model, version, reason + card)
    for _ in range(2):
        write_preview(registry, model, version, "m" * 3000)
        shown = registry.client.get_model_version(model, version).description or ""
        assert shown.startswith(f"{reason}Line 0 of a card.\nLine 1")
        assert len(shown) <= DESCRIPTION_LIMIT - 1200 + len(reason)
        body, _, block = shown.partition("\n\n## What a promotion would change\n\n")
        assert body.endswith(" of a card.\n\n… (the whole card: `model_card.md` of the run)")
        assert (len(block), block[-1]) == (PREVIEW_LIMIT, "…")


@pytest.fixture
def settings(spec: ModelSpec, registry: Registry, database: Database, tmp_path: Path) -> Settings:
    """Return settings with which a command finds the model, the registry and the database."""
    assert isinstance(spec.source, TableSource)
    (tmp_path / "models.py").write_text(
        "from pathlib import Path\nfrom tests.specs import home_spec\n"
        f"SPEC = home_spec(Path({spec.source.path!r}))\n"
    )
    return Settings(
        _env_file=None,
        home=tmp_path,
        database_url=SecretStr(database.url),
        mlflow_url=registry.uri,
        models=(tmp_path / "models.py",),
    )


def test_a_dry_run_says_what_the_judge_says_and_changes_nothing(
    train: Training,
    spec: ModelSpec,
    settings: Settings,
    database: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = connect(settings).client
    first = train("first")
    promoted(database, spec, first)
    other = train("other", write_homes(settings.home / "other.csv", rows=1200, signal=-1.0))
    page = client.get_model_version(spec.name, other).description
    show_preview(settings, spec.name, other, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["model"], said["version"], said["preview"]["before"]) == (spec.name, other, first)
    assert (said["accepted"], said["refusals"]) == (True, [])
    show_preview(settings, spec.name, other, as_json=False)
    text = capsys.readouterr().out
    assert "Nothing was changed." in text
    assert f"Against version {first}, on 100 cases of the latest 100 answers" in text
    assert "home-" in text
    with database.begin() as connection:
        assert len(ledger.history(connection, spec.name)) == 1
    assert client.get_model_version(spec.name, other).description == page
    with pytest.raises(Exception, match="expected it in the registry"):
        show_preview(settings, spec.name, "99", as_json=False)

"""Two people: whoever trained a version can't be the only one who approves it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from estate.core.errors import PromotionRefused
from estate.core.model_spec import Policy
from estate.core.settings import Settings
from estate.store.database import Database
from model_registry import Registry, promote, reconcile_once
from model_registry.terms import Terms, catalog_terms, objection, terms_or_reason
from tests.model_registry.conftest import MODEL, Registering, Shown, page, shown

TWO = Terms(Policy.TWO_PEOPLE)
ANN, BOB = "ann (command line)", "bob (MLflow login)"


@pytest.mark.parametrize(
    ("trained_by", "who", "reason"),
    [
        (ANN, BOB, None),
        ("schedule", ANN, None),
        ("drift", ANN, None),
        (ANN, ANN, "You trained it: another person must approve."),
        (ANN, "Ann (MLflow login)", "You trained it: another person must approve."),
        (
            ANN,
            "unknown (MLflow UI)",
            "unknown (MLflow UI) is nobody who is known. Somebody other than ann runs",
        ),
        ("schedule", "unknown (MLflow UI)", "A person who is known by name runs `leadloop promote churn 3`"),
        ("drift", "policy: automatic", "policy: automatic is nobody who is known"),
        ("unknown (Prefect UI)", ANN, "nobody knows who trained it"),
        ("person", ANN, "nobody knows who trained it"),
    ],
)
def test_who_may_approve(trained_by: str, who: str, reason: str | None) -> None:
    found = objection(TWO, who=who, trained_by=trained_by, target=("churn", "3"))
    assert found is None if reason is None else reason in str(found)
    assert objection(Terms(), who=who, trained_by=trained_by, target=("churn", "3")) is None


def test_the_trainer_is_refused_and_another_person_is_not(
    registry: Registry, database: Database, made: Registering
) -> None:
    registry = replace(registry, terms=lambda _: TWO)
    version = made("k1", trained_by=ANN)
    with pytest.raises(PromotionRefused, match="You trained it: another person must approve"):
        promote(registry, database, MODEL, version, who=ANN, why="mine")
    assert page(registry, version).startswith("## Promotion refused")
    assert promote(registry, database, MODEL, version, who=BOB, why="good").decision == "promoted"


def test_a_move_in_the_ui_is_put_back_with_who_must_do_what(
    registry: Registry, database: Database, made: Registering
) -> None:
    registry = replace(registry, terms=lambda _: TWO)
    registry.client.set_registered_model_alias(MODEL, "production", made("k1", trained_by=ANN))
    (entry,) = reconcile_once(registry, database)
    assert entry.decision == "refused"
    assert entry.why.endswith("Somebody other than ann runs `leadloop promote lead_conversion 1`.")
    assert shown(registry) == Shown(None, [])


def test_a_changed_policy_counts_at_once_and_a_broken_file_is_no_policy(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    settings = Settings(_env_file=None, models=(file,))
    terms = catalog_terms(settings)
    text = (
        (Path(__file__).parents[1] / "flat_sale.py")
        .read_text()
        .replace("import Gate,", "import Gate, Policy,")
    )
    for policy in (Policy.PERSON, Policy.TWO_PEOPLE):
        file.write_text(text.replace("schedule=None,", f"policy=Policy.{policy.name},"))
        assert terms("flat_sale").policy is policy
    file.write_text("1 / 0")
    assert "isn't known, since its description can't be read" in str(terms_or_reason(terms, "flat_sale"))

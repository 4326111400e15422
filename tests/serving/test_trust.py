"""Only what a trusted key vouches for is served; everything else leaves the old version where it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest

from estate.core.evidence import Evidence
from estate.signing import Signature, SigningKey, key_ring
from tests.serving.shop import Served, Shop, wait_for
from tests.serving.test_last_good import alone


def stranger(shop: Shop) -> SigningKey:
    settings = shop.settings.model_copy(update={"home": shop.folder / "stranger"})
    return key_ring(settings).make_signing_key()


def nothing(shop: Shop, made: Evidence) -> None:
    return None


def unsigned(shop: Shop, made: Evidence) -> None:
    shop.keep("2", made, None)


def by_a_stranger(shop: Shop, made: Evidence) -> None:
    shop.keep("2", made, stranger(shop).sign("evidence", made.to_json()))


def forged(shop: Shop, made: Evidence) -> None:
    """The database takes any text beside a signature of another one."""
    shop.keep("2", made, shop.sign(replace(made, rows=2)))


def of_another_kind(shop: Shop, made: Evidence) -> None:
    shop.keep("2", made, key_ring(shop.settings).signing_key().sign("letter", made.to_json()))


def of_another_bundle(shop: Shop, made: Evidence) -> None:
    other = shop.judge("1")
    shop.keep("2", other, shop.sign(other))


def of_another_model(shop: Shop, made: Evidence) -> None:
    other = replace(made, model="bare")
    shop.keep("2", other, shop.sign(other))


def of_other_features(shop: Shop, made: Evidence) -> None:
    other = replace(made, feature_fingerprint="0" * 64)
    shop.keep("2", other, shop.sign(other))


def that_did_not_pass(shop: Shop, made: Evidence) -> None:
    other = replace(made, verdict=False)
    shop.keep("2", other, shop.sign(other))


def with_half_a_signature(shop: Shop, made: Evidence) -> None:
    signature = shop.sign(made)
    shop.keep("2", made, Signature(signature.key_id, signature.value[:-4]))


def refusal(served: Served) -> str:
    wait_for(lambda: served.show()["problem"] is not None)
    return str(served.show()["problem"])


@pytest.mark.parametrize(
    ("vouch", "said"),
    [
        (nothing, "expected what the gate measured, signed, got none"),
        (unsigned, "expected a signature of this platform, got none"),
        (by_a_stranger, "expected a signature of a trusted key"),
        (forged, "expected the document that key"),
        (of_another_kind, "expected the document that key"),
        (with_half_a_signature, "expected the document that key"),
        (of_another_bundle, "which the evidence is about"),
        (of_another_model, "expected evidence of model `sale`, got of `bare`"),
        (of_other_features, "which the evidence names"),
        (that_did_not_pass, "expected a version that passed its gate"),
    ],
)
def test_a_version_that_nobody_trusted_vouches_for_is_refused_and_the_old_one_stays(
    shop: Shop, vouch: Callable[[Shop, Evidence], None], said: str
) -> None:
    shop.train("1")
    shop.promote("1")
    shop.train("2", judged=False)
    vouch(shop, shop.judge("2"))
    with shop.serve() as served:
        served.wait_for_version("1")
        shop.promote("2")
        assert said in refusal(served)
        answer = served.predict().json()
    assert (answer["version"], answer["source"]) == ("1", "model")


def test_nothing_is_fetched_for_a_version_that_nobody_vouches_for(shop: Shop) -> None:
    shop.train("2", judged=False)
    shop.promote("2")
    with shop.serve() as served:
        refusal(served)
    assert shop.fetched == []


def test_a_decision_on_other_evidence_is_not_carried_out(shop: Shop) -> None:
    shop.train("1")
    shop.decide("promoted", "1", evidence_digest="0" * 64)
    with shop.serve() as served:
        assert "which was decided on" in refusal(served)


def test_after_a_rotation_both_keys_count_without_a_restart(shop: Shop) -> None:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
        key_ring(shop.settings).make_signing_key()
        shop.train("2")
        shop.promote("2")
        served.wait_for_version("2")
        shop.promote("1")
        served.wait_for_version("1")


def test_a_revoked_key_stops_what_it_signed_from_coming_but_not_what_serves(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    ring = key_ring(shop.settings)
    with shop.serve() as served:
        served.wait_for_version("1")
        (ring.trusted / f"{ring.signing_key().key_id}.pem").unlink()
        shop.promote("2")
        assert "signature of a trusted key" in refusal(served)
        assert served.predict().json()["version"] == "1"
    with shop.serve() as served:  # what was in service then is not trusted at a start
        refusal(served)
        assert served.predict().json()["source"] == "rules"


def test_without_the_database_the_copy_on_disk_is_checked_against_its_evidence(shop: Shop) -> None:
    shop.train("1")
    shop.train("2")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
    kept = shop.settings.home / "serving" / "models" / "sale"
    with alone(shop).serve() as served:
        assert served.predict().json()["source"] == "last_good"
    shutil.rmtree(kept / "1")  # whole in itself, and not what was judged
    shutil.copytree(shop.folder / "registry" / "sale" / "2", kept / "1")
    with alone(shop).serve() as served:
        assert served.predict().json()["source"] == "rules"


@pytest.mark.parametrize("damage", ["changed", "unsigned", "cut", "gone"])
def test_a_tampered_paper_on_disk_vouches_for_nothing(shop: Shop, damage: str) -> None:
    shop.train("1")
    shop.promote("1")
    with shop.serve() as served:
        served.wait_for_version("1")
    paper = shop.settings.home / "serving" / "models" / "sale" / "1.evidence.json"
    text = paper.read_text()
    match damage:
        case "changed":
            paper.write_text(text.replace('\\"rows\\":1,', '\\"rows\\":9,'))
            assert paper.read_text() != text
        case "unsigned":
            paper.write_text(json.dumps(json.loads(text) | {"signature": None}))
        case "cut":
            paper.write_text(text[:-30])
        case _:
            paper.unlink()
    with alone(shop).serve() as served:
        assert served.predict().json()["source"] == "rules"

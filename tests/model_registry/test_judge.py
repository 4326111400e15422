"""What can be wrong with a version: each is done for real, seen to be done, and refused with its reason."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from estate.bundles import Bundle, check_manifest, open_predictor, write_manifest
from estate.core.errors import ArtifactError, PromotionRefused, RegistryError
from estate.core.evidence import Evidence
from estate.signing import KeyRing, Signature
from estate.store import evidence as evidence_store
from estate.store.database import Database
from model_registry import Registry, fetch_bundle, promote, register
from model_registry.judge import judge
from tests.model_registry.conftest import (
    MODEL,
    Registering,
    artifacts,
    evidence_for,
    registration,
    shown,
    write_bundle,
)

FILES = (
    "MLmodel",
    "bundle/features.json",
    "bundle/golden.json",
    "bundle/manifest.json",
    "bundle/model.onnx",
    "bundle/reference.parquet",
    "code/score_frame.py",
    "conda.yaml",
    "input_example.json",
    "manifest.json",
    "python_env.yaml",
    "requirements.txt",
    "serving_input_example.json",
)


def refused(registry: Registry, database: Database, version: str, match: str) -> None:
    found = judge(registry, database, MODEL, version)
    assert re.search(match, found.why), found.why
    with pytest.raises(PromotionRefused, match=match):
        promote(registry, database, MODEL, version, who="ann", why="better")
    assert shown(registry).alias != version


def keep(
    registry: Registry,
    database: Database,
    folder: Path,
    *,
    change: Callable[[Evidence], Evidence] = lambda found: found,
    sign: Callable[[str], Signature | None] | None = None,
) -> str:
    """Register a version whose evidence is changed before it is signed, in another way if wanted."""
    assert registry.keys is not None
    wanted = registration(folder, "k1")
    version = register(registry, database, wanted).version
    found = change(evidence_for(wanted))
    document = found.to_json()
    signature = sign(document) if sign else registry.keys.signing_key().sign("evidence", document)
    with database.begin() as connection:
        evidence_store.save(connection, MODEL, version, found, signature)
    return version


def whole(registry: Registry, version: str) -> Path:
    """Return the folder of all files of a version, in the artifact store."""
    return artifacts(registry, version).parent


def test_a_whole_version_may_be_promoted(registry: Registry, database: Database, made: Registering) -> None:
    version = made("k1")
    assert judge(registry, database, MODEL, version).refusals == ()
    folder = whole(registry, version)
    assert tuple(sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())) == FILES


@pytest.mark.parametrize("damage", ["truncated", "flipped", "gone"])
def test_each_damaged_file_is_named(
    registry: Registry, database: Database, made: Registering, damage: str
) -> None:
    version = made("k1")
    for name in FILES:
        path = whole(registry, version) / name
        kept = path.read_bytes()
        content = bytearray(kept)
        content[len(content) // 2] ^= 1
        if damage == "gone":
            path.unlink()
        else:
            path.write_bytes(content if damage == "flipped" else content[:-1])
        with pytest.raises(ArtifactError):
            check_manifest(whole(registry, version), digest=_proof(database).artifacts_digest)
        (said,) = judge(registry, database, MODEL, version).refusals
        assert "\n" not in said
        assert name == "manifest.json" or f"file {name} of" in said
        path.write_bytes(kept)
    assert judge(registry, database, MODEL, version).refusals == ()


def test_all_manifests_rewritten_with_the_files_are_refused(
    registry: Registry, database: Database, made: Registering, tmp_path: Path
) -> None:
    version = made("k1")
    write_bundle(tmp_path / "other", (9.0, 9.0, 9.0))
    shutil.copytree(tmp_path / "other", artifacts(registry, version), dirs_exist_ok=True)
    write_manifest(whole(registry, version))
    assert check_manifest(whole(registry, version)) != _proof(database).artifacts_digest
    refused(registry, database, version, "artifact was changed after training")


def test_an_extra_file_is_refused(registry: Registry, database: Database, made: Registering) -> None:
    version = made("k1")
    (whole(registry, version) / "model.pkl").write_bytes(pickle.dumps({}))
    refused(registry, database, version, r"file model\.pkl .*not in the manifest")


def test_a_link_in_the_store_brings_nothing_else_in(
    registry: Registry, database: Database, made: Registering, tmp_path: Path
) -> None:
    version = made("k1")
    (tmp_path / "secret").write_text("not for the model")
    (artifacts(registry, version) / "golden.json").unlink()
    (artifacts(registry, version) / "golden.json").symlink_to(tmp_path / "secret")
    with pytest.raises(RegistryError, match="failures occurred while downloading"):  # MLflow follows none
        promote(registry, database, MODEL, version, who="ann", why="better")
    assert shown(registry).alias is None


def test_no_signature_is_refused(registry: Registry, database: Database, tmp_path: Path) -> None:
    version = keep(registry, database, tmp_path, sign=lambda document: None)
    refused(registry, database, version, "expected a signature of this platform, got none")


def test_a_key_that_nobody_trusts_is_refused(registry: Registry, database: Database, tmp_path: Path) -> None:
    other = KeyRing(tmp_path / "theirs" / "signing.pem", tmp_path / "theirs" / "trusted").make_signing_key()
    version = keep(registry, database, tmp_path, sign=lambda document: other.sign("evidence", document))
    refused(registry, database, version, f"got key {other.key_id}")


def test_a_revoked_key_counts_no_more_and_a_rotated_one_still_does(
    registry: Registry, database: Database, made: Registering
) -> None:
    assert registry.keys is not None
    version, old = made("k1"), registry.keys.signing_key().key_id
    registry.keys.make_signing_key()
    assert judge(registry, database, MODEL, version).refusals == ()
    registry.keys.revoke(old)
    refused(registry, database, version, f"got key {old}")


def test_a_signature_of_something_else_is_refused(
    registry: Registry, database: Database, tmp_path: Path
) -> None:
    assert registry.keys is not None
    key = registry.keys.signing_key()
    version = keep(registry, database, tmp_path, sign=lambda document: key.sign("ledger", document))
    refused(registry, database, version, "changed after it was signed")


@pytest.mark.parametrize("signed", [True, False], ids=["old signature kept", "signature taken away"])
def test_evidence_forged_in_all_columns_is_refused(
    registry: Registry, database: Database, made: Registering, *, signed: bool
) -> None:
    version = made("k1", evidence=False)
    forged = replace(_proof(database), verdict=True, findings=())
    forge(database, forged, signed=signed)
    with database.begin() as connection:
        assert (
            evidence_store.load(connection, MODEL, version) == forged
        )  # nothing in the database gives it away
    refused(registry, database, version, "changed after it was signed" if signed else "got none")


def test_a_document_that_is_none_is_refused(
    registry: Registry, database: Database, made: Registering
) -> None:
    version = made("k1")
    forge(database, _proof(database), document="[]")
    refused(registry, database, version, "expected readable evidence")


def forge(database: Database, found: Evidence, *, signed: bool = True, document: str | None = None) -> None:
    """Rewrite a row as somebody who owns the database can."""
    import hashlib

    text = document or found.to_json()
    digest = hashlib.sha256(text.encode()).hexdigest()
    with database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE evidence DISABLE TRIGGER ALL")
        changed = connection.exec_driver_sql(
            "UPDATE evidence SET document = %s, digest = %s, verdict = %s",
            (text, digest, found.verdict),
        )
        assert changed.rowcount == 1
        if not signed:
            connection.exec_driver_sql("UPDATE evidence SET key_id = NULL, signature = NULL")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"model": "another"}, "The evidence is for model `another`"),
        ({"artifacts_digest": ""}, "does not say which files"),
        ({"artifacts_digest": "0" * 64}, "expected digest 0000"),
        ({"bundle_digest": "0" * 64}, "bundle digest of the files is .* judged 0000"),
        ({"feature_fingerprint": "other"}, "feature fingerprint of the files is f, the gate judged other"),
        ({"verdict": False}, "The gate did not pass"),
    ],
    ids=str,
)
def test_evidence_of_something_else_is_refused_even_signed(
    registry: Registry, database: Database, tmp_path: Path, change: dict[str, object], match: str
) -> None:
    version = keep(registry, database, tmp_path, change=lambda found: replace(found, **change))  # type: ignore[arg-type]
    refused(registry, database, version, match)


def test_evidence_copied_to_another_version_is_refused(
    registry: Registry, database: Database, made: Registering
) -> None:
    made("k1")
    version = made("k2", evidence=None)
    with database.begin() as connection:
        found = evidence_store.load_signed(connection, MODEL, "1")
        assert found is not None
        evidence_store.save(connection, MODEL, version, found.evidence, found.signature)
    refused(registry, database, version, "artifact was changed after training")


def test_tags_alone_change_nothing(registry: Registry, database: Database, made: Registering) -> None:
    version = made("k1")
    for tag in ("bundle_digest", "evidence", "verdict", "validation"):
        registry.client.set_model_version_tag(MODEL, version, tag, "forged")
    assert judge(registry, database, MODEL, version).refusals == ()


class Canary:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.path, "ran")


def test_a_poisoned_pickle_is_never_run(
    registry: Registry, database: Database, made: Registering, tmp_path: Path
) -> None:
    """In place of the model, and beside it with MLmodel naming the pickle; every manifest is rewritten."""
    canary, version = tmp_path / "canary", made("k1")
    poison = pickle.dumps(Canary(canary))
    pickle.loads(poison)
    assert canary.read_text() == "ran"
    canary.unlink()
    folder = whole(registry, version)
    (folder / "model.pkl").write_bytes(poison)
    (folder / "bundle" / "model.onnx").write_bytes(poison)
    flavor = {"loader_module": "mlflow.sklearn", "model_path": "model.pkl", "data": "model.pkl"}
    (folder / "MLmodel").write_text(json.dumps({"flavors": {"python_function": flavor}}))
    digest = write_manifest(folder / "bundle")
    write_manifest(folder)

    refused(registry, database, version, "artifact was changed after training")
    with pytest.raises(ArtifactError, match="expected digest"):
        fetch_bundle(registry, MODEL, version, tmp_path / "served", digest=_proof(database).bundle_digest)
    fetched = fetch_bundle(registry, MODEL, version, tmp_path / "served", digest=digest)
    with pytest.raises(ArtifactError, match="expected an ONNX model"):
        open_predictor(Bundle.open(fetched), version)
    assert not canary.exists()


def test_external_data_in_a_signed_graph_is_refused(
    registry: Registry, database: Database, tmp_path: Path
) -> None:
    """Even a version that the gate passed and a trusted key signed can't read another file."""
    import onnx

    write_bundle(tmp_path / "k1" / "bundle")
    path = tmp_path / "k1" / "bundle" / "model.onnx"
    model = onnx.load(path)
    tensor = model.graph.initializer[0]
    wanted = registration(tmp_path, "k1")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret.bin")
    inside = wanted.folder / "bundle"
    (inside / "model.onnx").write_bytes(model.SerializeToString())
    bundle_digest = write_manifest(inside)
    wanted = replace(wanted, artifacts_digest=write_manifest(wanted.folder), bundle_digest=bundle_digest)
    version = register(registry, database, wanted).version
    found = evidence_for(wanted)
    assert registry.keys is not None
    with database.begin() as connection:
        signature = registry.keys.signing_key().sign("evidence", found.to_json())
        evidence_store.save(connection, MODEL, version, found, signature)
    refused(registry, database, version, "all numbers inside the file")


def test_the_manifest_of_all_files_is_registered(registry: Registry, made: Registering) -> None:
    listed = json.loads((whole(registry, made("k1")) / "manifest.json").read_text())
    assert tuple(sorted([*listed, "manifest.json"])) == FILES


def _proof(database: Database) -> Evidence:
    with database.begin() as connection:
        found = evidence_store.load(connection, MODEL, "1")
    assert found is not None
    return found

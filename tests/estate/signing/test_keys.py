"""Keys on disk: who may read them, whose signatures count."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from estate.core.errors import SignatureError
from estate.core.settings import Settings
from estate.signing import KeyRing, ensure_keys, load_trusted, verify
from infra.cli.checks import keys as keys_check
from infra.cli.main import app

DOCUMENT = '{"verdict":true}'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, home=tmp_path)


@pytest.fixture
def ring(settings: Settings) -> KeyRing:
    return ensure_keys(settings)


def run(home: Path, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["keys", *arguments], env={"LEADLOOP_HOME": str(home)})
    if isinstance(done.exception, SignatureError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_the_private_key_is_for_its_owner_alone(ring: KeyRing) -> None:
    assert ring.signing.stat().st_mode & 0o777 == 0o600
    assert ring.signing.parent.stat().st_mode & 0o077 == 0


def test_made_once(settings: Settings, ring: KeyRing) -> None:
    assert ensure_keys(settings).signing_key().key_id == ring.signing_key().key_id
    assert set(load_trusted(settings)) == {ring.signing_key().key_id}


def test_a_private_key_never_prints(ring: KeyRing) -> None:
    key, content = ring.signing_key(), ring.signing.read_text()
    secret = content.splitlines()[1]
    assert secret not in f"{key!r} {key} {ring!r}"


def test_a_signature_counts_for_one_kind_and_one_document(settings: Settings, ring: KeyRing) -> None:
    signature = ring.signing_key().sign("evidence", DOCUMENT)
    trusted = load_trusted(settings)
    verify("it", "evidence", DOCUMENT, signature=signature, trusted=trusted)
    for kind, document in (("ledger", DOCUMENT), ("evidence", DOCUMENT.replace("true", "false"))):
        with pytest.raises(SignatureError, match="It was changed after it was signed"):
            verify("it", kind, document, signature=signature, trusted=trusted)
    with pytest.raises(SignatureError, match="got none"):
        verify("it", "evidence", DOCUMENT, signature=None, trusted=trusted)


def test_after_a_rotation_both_count_after_a_revocation_one(settings: Settings, ring: KeyRing) -> None:
    old = ring.signing_key()
    new = ring.make_signing_key()
    assert set(load_trusted(settings)) == {old.key_id, new.key_id}
    ring.revoke(old.key_id)
    assert set(load_trusted(settings)) == {new.key_id}
    with pytest.raises(SignatureError, match=f"got key {old.key_id}"):
        verify(
            "it",
            "evidence",
            DOCUMENT,
            signature=old.sign("evidence", DOCUMENT),
            trusted=load_trusted(settings),
        )


def test_a_revoked_key_that_is_copied_back_does_not_count(settings: Settings, ring: KeyRing) -> None:
    old = ring.signing_key()
    ring.make_signing_key()
    copy = (ring.trusted / f"{old.key_id}.pem").read_bytes()
    ring.revoke(old.key_id)
    (ring.trusted / "from-the-old-machine.pem").write_bytes(copy)
    assert old.key_id not in load_trusted(settings)


def test_the_key_that_signs_is_not_revoked(ring: KeyRing) -> None:
    with pytest.raises(SignatureError, match="keys rotate"):
        ring.revoke(ring.signing_key().key_id)
    with pytest.raises(SignatureError, match="keys list"):
        ring.revoke("0" * 16)
    assert len(ring.trusted_keys()) == 1


@pytest.mark.parametrize(
    "content", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"]
)
def test_a_file_that_is_no_key_is_named(settings: Settings, ring: KeyRing, content: bytes) -> None:
    (ring.trusted / "odd.pem").write_bytes(content)
    with pytest.raises(SignatureError, match=r"odd\.pem: expected an Ed25519 public key"):
        load_trusted(settings)


def test_commands_list_init_rotate_revoke(tmp_path: Path) -> None:
    assert "no keys" in run(tmp_path, "list")
    (first,) = re.findall(r"[0-9a-f]{16}", run(tmp_path, "init"))
    assert f"{first} signs already" in run(tmp_path, "init")
    (second,) = re.findall(r"[0-9a-f]{16}", run(tmp_path, "rotate"))
    with pytest.raises(SignatureError, match="the one that signs now"):
        run(tmp_path, "revoke", second)
    run(tmp_path, "revoke", first)
    listed = run(tmp_path, "list")
    assert re.search(f"{first} +revoked", listed)
    assert re.search(f"{second} +signing", listed)
    assert first in run(tmp_path, "list", "--json")
    assert "PRIVATE" not in listed


def test_the_doctor_sees_a_missing_and_an_open_key(settings: Settings) -> None:
    with pytest.raises(SignatureError, match="keys init"):
        keys_check(settings)
    ring = ensure_keys(settings)
    assert keys_check(settings).ok
    ring.signing.chmod(0o640)
    found = keys_check(settings)
    assert not found.ok
    assert "chmod 600" in found.todo
    ring.signing.chmod(0o600)
    (ring.trusted / f"{ring.signing_key().key_id}.pem").unlink()
    assert "not among the trusted" in keys_check(settings).found

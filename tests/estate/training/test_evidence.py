"""Evidence names what it was made with."""

from __future__ import annotations

import hashlib
from importlib.metadata import version

from estate.training import evidence


def test_the_digest_of_the_requirements_is_over_every_installed_package(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    class Installed:
        def __init__(self, name: str, version: str) -> None:
            self.name, self.version = name, version

    real = evidence.requirements_digest()
    assert real == evidence.requirements_digest()
    monkeypatch.setattr(evidence, "distributions", lambda: [Installed("b", "2"), Installed("A", "1")])
    assert evidence.requirements_digest() == hashlib.sha256(b"a==1\nb==2").hexdigest()
    assert real != evidence.requirements_digest()
    assert version("numpy")

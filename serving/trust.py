"""Whether a bundle is the one that this platform judged: by signed evidence, not by where it came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from estate.bundles import Bundle
from estate.core.errors import ArtifactError
from estate.signing import TrustedKeys
from estate.store.evidence import SignedEvidence


@dataclass(frozen=True)
class Trust:
    """Checks evidence against the keys that are trusted now.

    Parameters
    ----------
    keys : callable
        Reads the trusted public keys; asked each time, so a key that is added or taken away counts at once.
    """

    keys: Callable[[], TrustedKeys]

    def check_evidence(
        self, model: str, version: str, signed: SignedEvidence | None, *, decided_on: str | None = None
    ) -> SignedEvidence:
        """Return the evidence of a version if somebody trusted vouches for it.

        Parameters
        ----------
        decided_on : str, optional
            Digest of the evidence that the ledger's decision rests on.

        Raises
        ------
        SignatureError
            If it is not signed by a trusted key.
        ArtifactError
            If there is none, it is another model's or not what was decided on, or a rule did not pass.
        """
        what = f"evidence of `{model}` version {version}"
        if signed is None:
            raise ArtifactError(
                what,
                expected="what the gate measured, signed",
                got="none",
                todo="Only versions made by `leadloop retrain` have it.",
            )
        found = signed.evidence
        signed.verify(self.keys())
        if decided_on is not None and signed.digest != decided_on:
            expected = f"digest {decided_on}, which was decided on"
            raise ArtifactError(what, expected=expected, got=signed.digest)
        if found.model != model:
            raise ArtifactError(what, expected=f"evidence of model `{model}`", got=f"of `{found.model}`")
        if not found.verdict:
            raise ArtifactError(what, expected="a version that passed its gate", got="one that did not")
        return signed

    @staticmethod
    def check_bundle(bundle: Bundle, version: str, signed: SignedEvidence) -> None:
        """Check that a bundle is the one that checked evidence is about; nothing of it was run yet.

        Raises
        ------
        ArtifactError
            If it is another one.
        """
        found = signed.evidence
        what = f"bundle of `{bundle.model}` version {version}"
        if bundle.digest != found.bundle_digest:
            raise ArtifactError(
                what,
                expected=f"digest {found.bundle_digest}, which the evidence is about",
                got=bundle.digest,
                todo="The artifact is not the one that was judged: promote another version.",
            )
        if bundle.fingerprint != found.feature_fingerprint:
            raise ArtifactError(
                what,
                expected=f"features {found.feature_fingerprint}, which the evidence names",
                got=bundle.fingerprint,
                todo="Train again.",
            )

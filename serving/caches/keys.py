"""Under which name the features of a lead are kept: the model, how its features are computed, and the lead.

Names are hashes with a secret: who sees the caches learns no lead's id, and can't try ids either.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b, scrypt
from time import monotonic

from estate.core.errors import SettingsError
from estate.core.feature_set import FeatureSet
from estate.core.model_spec import ModelSpec
from estate.features.live import age_in_us
from serving.caches.kept_lead import Layout

DIGEST_BYTES = 16
_ASK_SECONDS = 1.0
_FORMAT = b"leadloop lead features 1"


class Keys:
    """Names of kept leads.

    Parameters
    ----------
    secret : callable
        Returns what processes that share a cache have in common, and nobody else; asked once a second.
    """

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret, self._asked_at, self._known = secret, float("-inf"), b""
        self._of_models: dict[str, ModelKeys] = {}

    def of(self, spec: ModelSpec) -> ModelKeys:
        """Return the names of a model's leads, as its features are computed now.

        Raises
        ------
        SettingsError
            If the secret is not known, and never was.
        """
        known = self._of_models.get(spec.name)
        secret = self._key()
        if known is None or not known.are_of(spec, secret):
            known = self._of_models[spec.name] = ModelKeys(spec, secret)
        return known

    def _key(self) -> bytes:
        if monotonic() - self._asked_at > _ASK_SECONDS:
            try:
                self._known = secret_key(self._secret())
            except SettingsError:  # the database's address is gone: what is kept is kept under the last one
                if not self._known:
                    raise
            self._asked_at = monotonic()
        return self._known


class ModelKeys:
    """Names of the leads of one model.

    Parameters
    ----------
    spec : ModelSpec
        Features of other code, or judged at another age, have other names.
    secret : bytes
    """

    def __init__(self, spec: ModelSpec, secret: bytes) -> None:
        self.model, self.layout = spec.name, Layout.of(spec.features)
        self._features: FeatureSet = spec.features
        self._age, self.secret = age_in_us(spec), secret
        self._base = blake2b(_FORMAT, digest_size=DIGEST_BYTES, key=secret)
        self._base.update(f"\0{spec.name}\0{spec.features.fingerprint}\0{self._age}\0".encode())

    def are_of(self, spec: ModelSpec, secret: bytes) -> bool:
        """Whether these are the names for this description of the model."""
        same = self._features is spec.features and self._age == age_in_us(spec)
        return same and self.secret == secret

    def key(self, lead_id: str) -> bytes:
        """Return the name of a lead."""
        digest = self._base.copy()
        digest.update(lead_id.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def seal(self, key: bytes, value: bytes) -> bytes:
        """Return what shows that a value was kept under this name by one who has the secret."""
        return blake2b(key + value, digest_size=DIGEST_BYTES, key=self.secret).digest()


@lru_cache(maxsize=16)
def secret_key(secret: str) -> bytes:
    """Return a key made of a secret; slow on purpose, once: it does not help to guess a password."""
    return scrypt(secret.encode(), salt=_FORMAT, n=2**14, r=8, p=1, dklen=32)

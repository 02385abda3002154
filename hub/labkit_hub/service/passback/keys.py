"""The key by which the platform knows that it is this hub that asks; made once, kept in a file that nobody else may read."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from labkit.errors import CorruptStore
from labkit.storage import explain_os_errors, hold_lock, write_bytes

__all__ = ["SigningKey", "load_key"]

_BITS = 3072
_VALID_S = 300


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, and the public one as the platform gets it."""

    private: RSAPrivateKey

    @property
    def public(self) -> dict[str, Any]:
        """The public key as a JSON Web Key; its id is its thumbprint (RFC 7638)."""
        key: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        bare = {name: key[name] for name in ("e", "kty", "n")}
        digest = hashlib.sha256(json.dumps(bare, separators=(",", ":"), sort_keys=True).encode()).digest()
        return {**bare, "kid": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), "alg": "RS256", "use": "sig"}

    def assertion(self, client_id: str, audience: str) -> str:
        """Return a signed statement of who asks for a token, valid for five minutes and for one request."""
        now = int(time.time())
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + _VALID_S, "jti": uuid.uuid4().hex}
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": self.public["kid"]})


def load_key(path: Path) -> SigningKey:
    """Return the key of a file, which is made if it is not there.

    Raises
    ------
    CorruptStore
        It holds something else.
    NotWritable, StorageFull
        It cannot be made.
    """
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with hold_lock(path.with_suffix(".lock"), what="the key for the learning platform"):
            if not path.exists():
                _make(path)
        data = path.read_bytes()
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path) from error
    if not isinstance(key, RSAPrivateKey):
        raise _no_key(path)
    return SigningKey(key)


def _make(path: Path) -> None:
    key = generate_private_key(public_exponent=65537, key_size=_BITS)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.touch(mode=0o600)
    write_bytes(path, key.private_bytes(*form))
    path.chmod(0o600)


def _no_key(path: Path) -> CorruptStore:
    return CorruptStore(f"{path} is no key.", hint="Restore it from a backup; or delete it, and give the platform the new key's address.")

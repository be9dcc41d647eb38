"""Words in an address that say nothing there: histories and logs keep addresses, and people look for people."""

import hashlib
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class SessionSeal:
    """Closes and opens words for one session of one person: in another one, or to anybody else, they are none."""

    def __init__(self, secret: bytes, session: str) -> None:
        """`secret` is the console's; `session` tells one session from all others."""
        self._secret = secret
        self._session = session

    def close(self, text: str) -> str:
        """The text for an address; another one each time."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        closed = nonce + self._cipher().encrypt(nonce, text.encode(), None)
        return urlsafe_b64encode(closed).decode("ascii").rstrip("=")

    def open(self, closed: str) -> str | None:
        """What was closed in this session; None for anything else."""
        try:
            raw = urlsafe_b64decode(closed.encode("ascii") + b"=" * (-len(closed) % 4))
            return self._cipher().decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None).decode()
        except (ValueError, InvalidTag):  # no base64, too short, or not ours
            return None

    def _cipher(self) -> AESGCM:
        key = hashlib.blake2b(self._session.encode(), digest_size=32, key=self._secret, person=b"laurels-sought")
        return AESGCM(key.digest())

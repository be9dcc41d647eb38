"""A little identity provider on a free loopback port: it publishes keys as told, and signs tokens."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

Answer = Callable[[BaseHTTPRequestHandler], None]


class IdentityProvider:
    """Publishes the keys in `keys`, by `kid`, at `url`; `answer` takes the place of that where it is set."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/jwks.json?tenant=1"
        self.keys: dict[str, PrivateKey] = {}
        self.answer: Answer | None = None
        self.fetched = 0

    def add(self, kid: str, key: PrivateKey | None = None) -> None:
        """Publish a key of this name."""
        self.keys[kid] = key or Ed25519PrivateKey.generate()

    def token(self, kid: str, **claims: Any) -> str:
        """A member's token for an hour."""
        key = self.keys[kid]
        headers = {"kid": kid}
        return jwt.encode({"sub": "17850", "exp": int(time.time()) + 3600, **claims}, key, algorithm_of(key), headers)

    def reply(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one fetch."""
        self.fetched += 1
        (self.answer or self._publish)(request)

    def _publish(self, request: BaseHTTPRequestHandler) -> None:
        assert request.path == "/jwks.json?tenant=1"
        send(request, json.dumps({"keys": [jwk(kid, key) for kid, key in self.keys.items()]}).encode())


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """A provider that publishes one key, `first`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.reply(self)

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - its name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = IdentityProvider(server.server_address[1])
        provider.add("first")
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield provider
        finally:
            server.shutdown()
            serving.join()


def send(request: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    """An answer with a body."""
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def jwk(kid: str, key: PrivateKey) -> dict[str, Any]:
    """A public key as it is published."""
    match key:
        case rsa.RSAPrivateKey():
            numbers = key.public_key().public_numbers()
            return {"kty": "RSA", "kid": kid, "use": "sig", "n": _encoded(numbers.n), "e": _encoded(numbers.e)}
        case ec.EllipticCurvePrivateKey():
            point = key.public_key().public_numbers()
            curve = {"secp256r1": "P-256", "secp384r1": "P-384"}[key.curve.name]
            return {"kty": "EC", "kid": kid, "crv": curve, "x": _encoded(point.x), "y": _encoded(point.y)}
    raw = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
    return {"kty": "OKP", "kid": kid, "crv": "Ed25519", "x": raw, "alg": "EdDSA"}


def algorithm_of(key: PrivateKey) -> str:
    """What a key signs with."""
    match key:
        case rsa.RSAPrivateKey():
            return "RS256"
        case ec.EllipticCurvePrivateKey():
            return {"secp256r1": "ES256", "secp384r1": "ES384"}[key.curve.name]
    return "EdDSA"


def _encoded(number: int) -> str:
    length = max(1, -(-number.bit_length() // 8))
    return base64.urlsafe_b64encode(number.to_bytes(length)).decode().rstrip("=")

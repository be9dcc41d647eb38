"""A little identity provider on a free loopback port: it publishes keys as told, signs tokens, and signs people in by
OpenID Connect (discovery, authorization code, PKCE).
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

Answer = Callable[[BaseHTTPRequestHandler], None]


class IdentityProvider:
    """Publishes the keys in `keys`, by `kid`, at `url`; `answer` takes the place of that where it is set."""

    def __init__(self, port: int) -> None:
        self.issuer = f"http://127.0.0.1:{port}"
        self.url = f"{self.issuer}/jwks.json?tenant=1"
        self.keys: dict[str, PrivateKey] = {}
        self.answer: Answer | None = None
        self.fetched = 0
        self.person: dict[str, Any] | None = None
        """Who is signed in here, as claims; None: nobody."""
        self.client_id, self.client_secret = "console", "s3cret"
        self.configured: dict[str, Any] = {}
        """What the configuration says otherwise."""
        self.claims: dict[str, Any] = {}
        """What the ID tokens say otherwise; None: it is left out."""
        self.rewrite: Callable[[str, str], tuple[str, str]] | None = None
        """What becomes of an ID token's header and claims, as texts, before they are signed."""
        self.kid = "first"
        self.asked: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}

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
        (self.answer or self._answer)(request)

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = urlsplit(request.path).path
        ways = {
            "/jwks.json": self._publish,
            "/.well-known/openid-configuration": self._configuration,
            "/authorize": self._authorize,
            "/token": self._token,
        }
        ways[path](request)

    def _configuration(self, request: BaseHTTPRequestHandler) -> None:
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": self.url,
            **self.configured,
        }
        send(request, json.dumps(said).encode())

    def _authorize(self, request: BaseHTTPRequestHandler) -> None:
        """Send whoever is signed in back with a code; nobody is asked a password here."""
        asked = dict(parse_qsl(urlsplit(request.path).query))
        self.asked.append(asked)
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["client_id"] == self.client_id
        back = {"state": asked["state"], "iss": self.issuer}
        if self.person is None:
            assert asked.get("prompt") == "none", "there is nobody to be asked"
            back["error"] = "login_required"
        else:
            back["code"] = secrets.token_urlsafe(12)
            self._codes[back["code"]] = asked
        send(request, b"", 302, Location=f"{asked['redirect_uri']}?{urlencode(back)}")

    def _token(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        said = dict(parse_qsl(body))
        basic = base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        asked = self._codes.pop(said.get("code", ""), None)
        proven = base64.urlsafe_b64encode(hashlib.sha256(said.get("code_verifier", "").encode()).digest())
        is_right = (
            asked is not None
            and self.person is not None
            and request.headers.get("Authorization") == f"Basic {basic}"
            and said.get("redirect_uri") == asked["redirect_uri"]
            and proven.decode().rstrip("=") == asked["code_challenge"]
        )
        if not is_right:
            send(request, b'{"error": "invalid_grant"}', 400)
            return
        assert asked is not None
        assert self.person is not None
        now = int(time.time())
        usual = {"iss": self.issuer, "aud": self.client_id, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in {**usual, **self.person, **self.claims}.items() if value is not None}
        key = self.keys[self.kid]
        header = {"alg": algorithm_of(key), "kid": self.kid}
        if self.rewrite is None:
            id_token = jwt.encode(claims, key, header["alg"], header)
        else:
            assert isinstance(key, Ed25519PrivateKey)
            id_token = signed(*self.rewrite(json.dumps(header), json.dumps(claims)), key)
        send(request, json.dumps({"access_token": "opaque", "token_type": "Bearer", "id_token": id_token}).encode())

    def _publish(self, request: BaseHTTPRequestHandler) -> None:
        assert request.path == "/jwks.json?tenant=1"
        send(request, json.dumps({"keys": [jwk(kid, key) for kid, key in self.keys.items()]}).encode())


@contextmanager
def identity_provider() -> Iterator[IdentityProvider]:
    """A provider that publishes one key, `first`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            provider.reply(self)

        def do_POST(self) -> None:
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


def signed(header: str, claims: str, key: Ed25519PrivateKey) -> str:
    """A token of these texts, whatever they say: libraries write none in which a key stands twice."""
    text = b".".join(base64.urlsafe_b64encode(part.encode()).rstrip(b"=") for part in (header, claims))
    return (text + b"." + base64.urlsafe_b64encode(key.sign(text)).rstrip(b"=")).decode()


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
            size = key.key_size // 8  # in full, RFC 7518, 6.2.1.2: one in 128 begins with zeros
            return {"kty": "EC", "kid": kid, "crv": curve, "x": _encoded(point.x, size), "y": _encoded(point.y, size)}
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


def _encoded(number: int, length: int = 0) -> str:
    """In so many bytes, or as few as it takes."""
    length = length or max(1, -(-number.bit_length() // 8))
    return base64.urlsafe_b64encode(number.to_bytes(length)).decode().rstrip("=")

"""What one worker has checked of a member's token the others know, and no more than that."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.identity_provider import IdentityProvider, identity_provider
from tests.settings import settings_with

from laurels import clock
from laurels.clock import SECOND
from laurels.errors import NotSignedIn
from laurels.http import open_auth, shared_tokens
from laurels.http.admission import shared_tokens as sharing
from laurels.http.admission.auth import REMEMBERED_FOR, Auth
from laurels.http.admission.jwks import OLD_AFTER, PublishedKeys
from laurels.http.admission.tokens import sign_token
from laurels.settings import Settings
from laurels.testing.ledger_contract.base import TurnedClock

pytestmark = pytest.mark.anyio
pytest.importorskip(
    "laurels_core", reason="tokens are shared by the native core, which is built where there is a cargo"
)


@pytest.fixture
def now() -> TurnedClock:
    return TurnedClock(clock.now())


@pytest.fixture(autouse=True)
def memory() -> Iterator[None]:
    with shared_tokens():
        yield
    assert sharing.VARIABLE not in os.environ


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with identity_provider() as provider:
        yield provider


def header_of(settings: Settings, subject: str, scope: str | None = None) -> bytes:
    return f"Bearer {sign_token(settings, subject=subject, scope=scope, ttl_s=3600)}".encode()


async def test_another_worker_knows_the_member(tmp_path: Path, now: TurnedClock) -> None:
    settings = settings_with(state=tmp_path)
    one, other = open_auth(settings, now), open_auth(settings, now)
    header = header_of(settings, "Zoë #1")
    assert other.remembered(header) is None
    caller = await one.caller([header])
    known = other.remembered(header)
    assert known is not None
    assert (known.member_id, known.expires, known.scopes, known.person) == ("Zoë #1", caller.expires, frozenset(), None)
    assert other.remembered(header[:-1] + (b"Q" if header.endswith(b"A") else b"A")) is None
    now.at += REMEMBERED_FOR - SECOND
    assert other.remembered(header) is not None
    now.at += SECOND
    assert other.remembered(header) is None, "no longer than the worker that checked it"


@pytest.mark.parametrize(("subject", "scope"), [("till", "orders:write"), ("m" * 80, None)])
async def test_what_is_not_shared(tmp_path: Path, now: TurnedClock, subject: str, scope: str | None) -> None:
    settings = settings_with(state=tmp_path)
    one, other = open_auth(settings, now), open_auth(settings, now)
    header = header_of(settings, subject, scope)
    await one.caller([header])
    assert one.remembered(header) is not None
    assert other.remembered(header) is None


@pytest.mark.parametrize(
    "changed", [{"auth_issuer": "https://id.example"}, {"auth_audience": "other"}, {"auth_member_claim": "customer"}]
)
async def test_other_settings_make_it_another_token(tmp_path: Path, now: TurnedClock, changed: dict[str, Any]) -> None:
    settings = settings_with(state=tmp_path)
    header = header_of(settings, "ann")
    await open_auth(settings, now).caller([header])
    assert open_auth(settings, now).remembered(header) is not None
    assert open_auth(settings_with(state=tmp_path, **changed), now).remembered(header) is None


async def turn_keys(auth: Auth, now: TurnedClock, token: bytes) -> None:
    """Let a worker hear of the keys that are published now."""
    now.at += OLD_AFTER + SECOND
    await auth.caller([token])
    assert isinstance(auth._keys, PublishedKeys)
    assert auth._keys._fetch is not None
    await auth._keys._fetch


async def test_a_key_taken_back_ends_what_others_still_tell(provider: IdentityProvider, now: TurnedClock) -> None:
    """A worker that has heard of it takes nothing signed by that key, though another goes on putting it in."""
    settings = settings_with(auth_mode="jwks", auth_jwks_url=provider.url)
    one, other = open_auth(settings, now), open_auth(settings, now)
    provider.add("second")
    first, again, second, another = (
        f"Bearer {provider.token(kid, jti=str(n), exp=now.at // SECOND + 36_000)}".encode()
        for n, kid in enumerate(("first", "first", "second", "second"))
    )
    await one.caller([first])
    assert other.remembered(first) is None, "it has heard of no key yet"
    await other.caller([second])
    assert other.remembered(first) is not None
    del provider.keys["first"]
    await turn_keys(other, now, another)
    assert other.remembered(first) is None
    await one.caller([again])
    assert one.remembered(again) is not None, "it has not heard"
    assert other.remembered(again) is None
    with pytest.raises(NotSignedIn):
        await other.caller([again])
    assert one.remembered(another) is not None, "what the other one has checked"


async def test_without_the_memory_each_checks_for_itself(
    tmp_path: Path, now: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(sharing.VARIABLE, "/proc/self/fd/999999")
    settings = settings_with(state=tmp_path)
    one, other = open_auth(settings, now), open_auth(settings, now)
    header = header_of(settings, "ann")
    await one.caller([header])
    assert other.remembered(header) is None
    assert (await other.caller([header])).member_id == "ann"

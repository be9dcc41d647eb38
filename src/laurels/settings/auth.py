"""Settings of authentication."""

from pathlib import Path
from typing import Annotated, Literal

from laurels.settings.group import Group, about


class AuthSettings(Group, frozen=True):
    """Whose tokens are accepted."""

    mode: Annotated[
        Literal["dev", "jwks", "keys"],
        about("`dev`: a key made under `state`, loopback only; `jwks` or `keys`: your identity provider's"),
    ] = "dev"
    jwks_url: Annotated[str | None, about("where the signing keys are published")] = None
    keys_file: Annotated[Path | None, about("PEM file of public keys that sign tokens")] = None
    issuer: Annotated[str | None, about("the only `iss` that is accepted")] = None
    audience: Annotated[str | None, about("the only `aud` that is accepted")] = None
    member_claim: Annotated[str, about("the claim that holds the member's id")] = "sub"
    algorithms: Annotated[
        tuple[Literal["RS256", "PS256", "ES256", "EdDSA"], ...], about("signature algorithms that are accepted")
    ] = ("RS256", "PS256", "ES256", "EdDSA")

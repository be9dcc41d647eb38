"""Settings of authentication."""

from pathlib import Path
from typing import Annotated, Literal

from laurels.settings.group import Count, SettingsGroup, about


class AuthSettings(SettingsGroup, frozen=True):
    """Whose tokens are accepted."""

    mode: Annotated[
        Literal["dev", "jwks", "keys"],
        about("`dev`: a key made under `state`, loopback only; `jwks` or `keys`: your identity provider's"),
    ] = "dev"
    jwks_url: Annotated[str | None, about("where the signing keys are published")] = None
    keys_file: Annotated[Path | None, about("PEM file of public keys that sign tokens")] = None
    issuer: Annotated[str | None, about("the only `iss` that is accepted")] = None
    audience: Annotated[str | None, about("the only `aud` that is accepted; several with blanks between")] = None
    member_claim: Annotated[str, about("the claim that holds the member's id")] = "sub"
    algorithms: Annotated[
        tuple[Literal["RS256", "PS256", "ES256", "EdDSA"], ...], about("signature algorithms that are accepted")
    ] = ("RS256", "PS256", "ES256", "EdDSA")
    services: Annotated[
        tuple[str, ...],
        about(
            "whose tokens are services': claim=value, such as `gty=client-credentials`; never one that a customer's "
            "token carries too"
        ),
    ] = ("laurels=service",)
    sources: Annotated[
        tuple[str, ...],
        about("the only sources that a service may write under, as sub=source; a service that is not named: any"),
    ] = ()
    scope_claim: Annotated[str, about("the claim that holds a service's scopes: a text with blanks, or a list")] = (
        "scope"
    )
    scope_prefix: Annotated[str, about("what stands before each scope of ours, such as `laurels/`; others are not")] = (
        ""
    )
    console_keys: Annotated[
        Path | None,
        about(
            "PEM file of the public keys that consoles sign people's tokens with; left out: in `dev` mode the key "
            "under `state`, else no person is let in"
        ),
    ] = None
    keys_max_age_h: Annotated[
        Count,
        about("hours for which published keys count after the provider last confirmed them; then tokens get a 503"),
    ] = 24

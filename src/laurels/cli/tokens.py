"""`token`: sign a token with the development key, for trying things out."""

from difflib import get_close_matches
from typing import Annotated

import typer

from laurels.cli.console import ConfigOption, StateOption, examples, out, run, settings_of
from laurels.errors import SettingsError
from laurels.model.ids import check_id, check_source

SERVICE = "cli"

SCOPES = (
    "orders:write", "members:read", "members:write", "members:contact", "points:adjust", "points:approve",
    "points:redeem", "points:transfer", "program:write", "program:approve", "reports:read", "events:read",
    "quarantine:write", "audit:read", "status:read", "jobs:write",
)  # fmt: skip
"""What a service may be allowed: all that any call asks for."""

MOST_HOURS = 10 * 366 * 24
"""Ten years: more is a slip, and no clock has room for much more."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "laurels token --member 17850",
            'laurels token --service --scope "orders:write members:read"',
            'curl -H "Authorization: Bearer $(laurels token --member 17850)" http://127.0.0.1:8000/loyalty/17850',
        )
    )(token)


def token(
    member: Annotated[str | None, typer.Option(help="A member's token, for this member.")] = None,
    service: Annotated[bool, typer.Option("--service", help="A service's token, with --scope.")] = False,
    scope: Annotated[
        str,
        typer.Option(help=f"Of: {' '.join(SCOPES)}; separated by spaces."),
    ] = "",
    name: Annotated[
        str | None, typer.Option(help="Who the service is; kept with what it does.", show_default=SERVICE)
    ] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="A source that the service may write under, none else; may be repeated.")
    ] = None,
    hours: Annotated[float, typer.Option(min=0.01, max=MOST_HOURS, help="How long it holds.")] = 12,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Print a token, signed with the development key under the state directory."""
    from laurels.http.admission.auth import open_auth  # noqa: PLC0415 - and so does this
    from laurels.http.admission.tokens import sign_token  # noqa: PLC0415 - cryptography takes a while to load
    from laurels.wiring.owner import check_owner  # noqa: PLC0415 - and so do the engines

    if (member is None) == (not service) or service != bool(scope):
        raise SettingsError('Give --member ID for a member, or --service --scope "…" for a service.')
    for each in scope.split():
        if each not in SCOPES:
            near = get_close_matches(each, SCOPES, 1)
            raise SettingsError(f"There is no scope {each}.{f' Did you mean {near[0]}?' if near else ''}")
    if member is not None:
        if source or name is not None:
            raise SettingsError("--source and --name are a service's; a member has its own.")
        check_id(member, "--member")
    settings = settings_of(state, config)
    check_owner(settings.state)
    for each in source or ():
        check_source(each, "--source")
    subject = member or (SERVICE if name is None else name)
    signed = sign_token(settings, subject=subject, scope=scope or None, ttl_s=int(hours * 3600), sources=source or ())
    run(open_auth(settings).caller([f"Bearer {signed}".encode()]))  # none is printed that would be refused
    out(signed)

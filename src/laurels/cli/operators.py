"""`console`: the operators' pages."""

import webbrowser
from typing import Annotated

import typer

from laurels.cli.console import ConfigOption, StateOption, examples, out, run, say, settings_of
from laurels.cli.deciding import login
from laurels.errors import SettingsError
from laurels.runtime.alone import run_console


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "laurels console --open", 'laurels console --as aoife --roles "lead auditor"', "laurels console --port 8101"
        )
    )(console)


def console(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default="8100")
    ] = None,
    api: Annotated[str | None, typer.Option(help="Ask the Laurels at this address; left out: the ledger here.")] = None,
    name: Annotated[str | None, typer.Option("--as", help="Who signs in.", show_default="your user name")] = None,
    roles: Annotated[
        str,
        typer.Option(help="Of: viewer support lead program approver finance operator auditor; separated by spaces."),
    ] = "support",
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Serve the console: find a customer, see why there are so many points, correct them. Ctrl-C or SIGTERM stops it.

    Prints an address that signs one person in, once; after it was used, the next one.
    """
    try:
        from laurels.runtime import console as pages  # noqa: PLC0415 - in the extra `console`
    except ModuleNotFoundError as error:
        if error.name not in {"httpx", "litestar", "oauthlib"}:
            raise
        raise SettingsError("The console is an extra: pip install 'laurels[console]'") from error

    settings = settings_of(state, config, console_host=host, console_port=port, console_api=api)
    pages.check_addresses(settings)
    person = pages.person_named(name or login(), roles)
    if settings.console.issuer is not None:
        introduction = f"The console has people signed in by {settings.console.issuer}:"
    else:
        introduction = f"The console signs in {person.name} ({', '.join(person.roles)}), at an address that works once:"
    is_first = True

    def tell(address: str) -> None:
        nonlocal is_first
        if is_first:  # not before: where the ledger is refused, there is no console
            say(introduction)
        out(address)
        if is_first and open_:
            webbrowser.open(address)
        is_first = False

    run(run_console(settings, person, tell))

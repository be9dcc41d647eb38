"""`keys`: which secrets this installation has, and changing that of the names."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from laurels.cli.console import ConfigOption, StateOption, examples, out, run, settings_of
from laurels.wiring.backups import key_files
from laurels.wiring.naming import change_names_key

app = typer.Typer(help="Secrets that Laurels keeps in files, and changing that of the names.", no_args_is_help=True)

_ABOUT = {
    "names.key": "behind the proxy names; changed by `laurels keys change names`",
    "auth.key": "signs the tokens of `laurels token`; to change it, delete it and start again: older tokens end",
    "anchor.key": "signs anchors; to change it, move it and the file of anchors away, and start again",
}


@app.command(epilog=examples("laurels keys show"))
def show(state: StateOption = None, config: ConfigOption = None) -> None:
    """Show the key files, what each is for, and what tells one from another: no secret is shown."""
    from laurels.runtime.anchoring import KEY_FILE, public_key  # noqa: PLC0415 - cryptography takes a while to load

    settings = settings_of(state, config)
    for path in key_files(settings):
        if not path.exists():
            out(f"{path}: missing")
            continue
        name = "names.key" if path == settings.names_key_path else path.name
        digest = hashlib.sha256(path.read_bytes().strip()).hexdigest()[:16]
        out(f"{path}: {_ABOUT.get(name, 'a secret of this installation')} (fingerprint {digest})")
        if name == KEY_FILE:
            out(f"  public: {public_key(settings.state)}")


@app.command(epilog=examples("laurels keys change names --yes", "laurels keys change names --file new.key"))
def change(
    what: Annotated[str, typer.Argument(help="names: no other key needs more than its file changed.")],
    file: Annotated[
        Path | None, typer.Option(help="Change to the key in this file, instead of a new one.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Let all members be named under another key. Stop Laurels first: every member gets another proxy name.

    The key that was stays beside it as names.key.old, for backups that are older.
    """
    if what != "names":
        raise typer.BadParameter(f"{what}: only the key of the names is changed by a command; see `laurels keys show`")
    settings = settings_of(state, config)
    if not yes:
        typer.confirm("Give every member another proxy name?", abort=True)
    out(f"{run(change_names_key(settings, file))}: every member has another name from now on")

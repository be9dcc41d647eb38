"""`backup` and `restore`: a checked copy of the ledger, and the way back."""

from pathlib import Path
from typing import Annotated

import typer

from laurels import clock
from laurels.cli.console import ConfigOption, StateOption, counted, examples, out, progress, run, settings_of
from laurels.model.times import format_instant
from laurels.runtime.heads import heads_of
from laurels.settings import Settings
from laurels.wiring.backups import Copied, back_up, key_files, restore, try_restore


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        "backup",
        epilog=examples("laurels backup /backups/laurels-2026-11-27.db", "laurels backup today.db --keys /safe/keys"),
    )(backup)
    app.command(
        "restore",
        epilog=examples(
            "laurels restore /backups/laurels-2026-11-27.db --keys /safe/keys",
            "laurels restore today.db --state /var/lib/laurels",
            "laurels restore today.db --trial",
        ),
    )(restore_)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write. Nothing is written over one that is there.")],
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FOLDER", help="Copy the key files there; keep it apart from the backup."),
    ] = None,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Copy the ledger to one file while Laurels goes on, and check the copy.

    The file holds members' ids and addresses, and the secrets that key their fingerprints: guard it like the ledger.
    It does not hold the keys of names and of tokens; without the names' key it cannot be restored.
    """
    settings = settings_of(state, config)
    copied = run(_back_up(settings, file, keys))
    out(f"{file}: {_what(copied)}")
    out("In it: members' ids and addresses, their secrets, the ledger's secret. Guard it like the ledger.")
    if keys is None:
        out("Not in it, to be kept apart (--keys copies them):")
    else:
        out(f"Not in it, copied to {keys}, to be kept apart:")
    for path in copied.keys:
        out(f"  {path}: {_about(settings, path)}")
    for head in heads_of(copied.heads):
        out(f"head {head}")


def restore_(
    file: Annotated[Path, typer.Argument(help="A file that `laurels backup` wrote, or another copy of a ledger.")],
    keys: Annotated[
        Path | None,
        typer.Option("--keys", metavar="FOLDER", help="Where the key files are, if not in their place already."),
    ] = None,
    trial: Annotated[
        bool,
        typer.Option("--trial", help="Restore it beside the ledger, check it, and throw it away: Health says when."),
    ] = False,
    state: StateOption = None,
    config: ConfigOption = None,
) -> None:
    """Put a copy of a ledger where there is none, checked, and begin another epoch: what came after it never was.

    Boards follow by themselves. Let shops send again what they sent since then: what the copy has counts once.
    """
    settings = settings_of(state, config)
    if trial:
        tried = run(_restore(settings, file, keys, on_trial=True))
        out(f"{file}: could be restored, {_what(tried)}. Nothing was changed.")
        return
    copied = run(_restore(settings, file, keys))
    out(f"{settings.state}: restored, {_what(copied)}")
    out("Let shops send again what they sent since then: what is here already counts once.")
    unsent = copied.counts.messages_due + copied.counts.messages_held
    if unsent:
        out(
            f"{unsent:,} mails were not sent when the copy was made. Which of them were sent since, nobody can know: "
            "they are sent again, each under its old Message-ID. `laurels messages list` shows them."
        )


async def _back_up(settings: Settings, file: Path, keys: Path | None) -> Copied:
    with progress("verifying the copy", "entries") as report:
        return await back_up(settings, file, keys, clock.now, report)


async def _restore(settings: Settings, file: Path, keys: Path | None, *, on_trial: bool = False) -> Copied:
    with progress("verifying the copy", "entries") as report:
        return await (try_restore if on_trial else restore)(settings, file, keys, clock.now, report)


def _what(copied: Copied) -> str:
    last = f", the last of {format_instant(copied.recorded_at)}" if copied.entries else ""
    return f"{counted(copied.entries, 'entry', 'entries')} verified as of {copied.heads.version}{last}"


def _about(settings: Settings, path: Path) -> str:
    if path == key_files(settings)[0]:
        return "behind the proxy names; without it the backup cannot be restored"
    return "signs or seals what clients hold; without it they ask anew"

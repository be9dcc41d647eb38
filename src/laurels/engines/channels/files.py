"""Mails as .eml files, named by their Message-ID: what a shop without a mail server sees, and the demo's outbox."""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

from laurels.notify import ChannelUnavailable

_DRAFT = ".draft-"


class FileChannel:
    """Writes each mail to a file of its own, readable by its owner alone. The same Message-ID again writes the same
    file again. A draft says whose it is, so that one that a killed process left is forgotten with the mail.
    """

    name = "files"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        await asyncio.to_thread(self._write, message)

    async def forget(self, ids: Sequence[str]) -> None:
        await asyncio.to_thread(self._remove, frozenset(ids))

    async def close(self) -> None:
        return

    def _remove(self, ids: frozenset[str]) -> None:
        if not ids or not self._folder.is_dir():
            return
        for path in self._folder.iterdir():
            is_draft = path.name.startswith(_DRAFT)
            id, at, _ = path.name.removeprefix(_DRAFT).partition("@")
            nobodys = is_draft and not at  # a draft of an earlier version: it does not say whose it is
            if nobodys or (id in ids and (is_draft or path.suffix == ".eml")):
                path.unlink(missing_ok=True)

    def _write(self, message: EmailMessage) -> None:
        name = str(message["Message-ID"]).strip("<>")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, draft = tempfile.mkstemp(prefix=f"{_DRAFT}{name.partition('@')[0]}@", dir=self._folder)  # 0600
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(bytes(message))
                    file.flush()
                    os.fsync(file.fileno())
                Path(draft).replace(self._folder / f"{name}.eml")
            except BaseException:
                Path(draft).unlink(missing_ok=True)
                raise
            _sync(self._folder)
        except OSError as error:
            raise ChannelUnavailable(f"The outbox cannot be written: {error.strerror}") from error


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a power loss, where the system lets one ask for that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

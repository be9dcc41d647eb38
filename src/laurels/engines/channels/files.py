"""Mails as .eml files, named by their Message-ID: what a shop without a mail server sees, and the demo's outbox."""

import asyncio
import os
from email.message import EmailMessage
from pathlib import Path

from laurels.notify import ChannelUnavailable


class FileChannel:
    """Writes each mail to a file of its own. The same Message-ID again writes the same file again."""

    name = "files"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, message: EmailMessage) -> None:
        await asyncio.to_thread(self._write, message)

    async def close(self) -> None:
        return

    def _write(self, message: EmailMessage) -> None:
        name = str(message["Message-ID"]).strip("<>")
        partial = self._folder / f".{name}.{os.getpid()}"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(bytes(message))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._folder / f"{name}.eml")
        except OSError as error:
            raise ChannelUnavailable(f"The outbox {self._folder} cannot be written: {error}") from error

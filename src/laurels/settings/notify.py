"""Settings of the messages to members."""

from typing import Annotated

from laurels.settings.group import SettingsGroup, about


class NotifySettings(SettingsGroup, frozen=True, rename={"sender": "from"}):
    """Who writes to members, and through which server."""

    smtp_url: Annotated[
        str | None, about("smtp:// or smtps:// server for mails; none: .eml files under `state`/outbox")
    ] = None
    sender: Annotated[
        str | None, about("the sender of mails, `Corner Shop <points@shop.example>`; needed for a mail server")
    ] = None

"""The mail server's URL: what is refused, and that its password is shown to nobody."""

import pytest
from tests.settings import settings_with

from laurels.engines.channels import SmtpChannel
from laurels.errors import SettingsError
from laurels.settings import Settings, load

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "it names no mail server"),
        ("mail.example", "it names no mail server"),
        (f"http://shop:{SECRET}@mail.example", "it names no mail server"),
        (f"smtp://shop:{SECRET}@", "it names no mail server"),
        (f"smtp://shop:{SECRET}@mail.example:70000", "host or port cannot be read"),
        (f"smtp://shop:{SECRET}@mail.example:mail", "host or port cannot be read"),
        (f"smtp://shop:{SECRET}@[::1", "host or port cannot be read"),
        (f"smtp://shop:{SECRET}@mail\u2100.example", "host or port cannot be read"),
        (f"smtp://shop:25/{SECRET}@mail.example", "something follows the port"),
        (f"smtp://shop:25?{SECRET}@mail.example", "something follows the port"),
        (f"smtp://shop:25#{SECRET}@mail.example", "something follows the port"),
        ("smtp://shop@mail.example", "user and password go together"),
        (f"smtp://:{SECRET}@mail.example", "user and password go together"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_not_repeated(url: str, why: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        SmtpChannel(url)
    assert refusal.value.message.startswith(f"notify.smtp_url: {why}")
    assert SECRET not in refusal.value.message
    assert refusal.value.__context__ is None or refusal.value.__suppress_context__


@pytest.mark.parametrize("password", [SECRET, f"a@b/{SECRET}", f"a @{SECRET}"])
def test_settings_show_no_password(password: str) -> None:
    settings = load(
        environment={
            "LAURELS_NOTIFY_SMTP_URL": f"smtps://shop:{password}@mail.example",
            "LAURELS_LEDGER_URL": f"postgresql://shop:{password}@db.example/laurels",
        }
    )
    for shown in (repr(settings), str(settings), repr(settings.__rich_repr__()), repr([settings])):
        assert SECRET not in shown
        assert "mail.example" in shown
        assert "db.example/laurels" in shown


def test_settings_without_passwords_are_shown_as_they_are() -> None:
    assert "port=8000, " in repr(Settings())
    assert "smtp_url='smtp://127.0.0.1:25'" in repr(settings_with(notify_smtp_url="smtp://127.0.0.1:25"))


def test_a_channel_shows_no_password() -> None:
    assert SECRET not in repr(SmtpChannel(f"smtp://shop:{SECRET}@mail.example"))

"""Who is at the command line."""

import os
import pwd

import pytest

from laurels.cli.deciding import at_the_keyboard, login

NAMELESS = 4_000_000_123


def test_a_user_without_a_name_is_known_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container, whose user is a number that no file knows."""
    with pytest.raises(KeyError):
        pwd.getpwuid(NAMELESS)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: NAMELESS)
    assert login() == f"uid-{NAMELESS}"
    assert at_the_keyboard() == f"cli:uid-{NAMELESS}"


def test_a_user_with_a_name_is_known_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "mary")
    assert at_the_keyboard() == "cli:mary"

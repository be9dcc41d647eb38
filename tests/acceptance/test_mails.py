"""Mails as a shop meets them: imported history sends none unless told to, and settings are checked at the start."""

from pathlib import Path

from tests.acceptance.command_line import laurels_here as laurels

HISTORY = "order_id,member_id,currency,total,email\nA1,ann,GBP,950.00,ann@example.com\nA2,ann,GBP,250.00,\n"
LATER = (
    "order_id,member_id,currency,total,email\nA3,ann,GBP,100.00,ann@example.com\nB1,bob,GBP,1200.00,bob@example.com\n"
)


def mails(folder: Path) -> list[str]:
    return [path.read_text() for path in folder.glob("laurels-data/outbox/*.eml")]


def brought_in(folder: Path, orders: str, *flags: str) -> None:
    (folder / "orders.csv").write_text(orders)
    done = laurels("import", "orders.csv", *flags, cwd=folder)
    assert done.returncode == 0, done.stderr
    done = laurels("notify", "--once", cwd=folder)
    assert done.returncode == 0, done.stderr


def test_an_import_sends_no_mail_ever(tmp_path: Path) -> None:
    """Ann passed 100 points in the history, so no later order tells her; bob passes them now."""
    brought_in(tmp_path, HISTORY)
    assert mails(tmp_path) == []
    brought_in(tmp_path, LATER, "--notify")
    [mail] = mails(tmp_path)
    assert "To: bob@example.com" in mail
    brought_in(tmp_path, HISTORY, "--notify")
    assert len(mails(tmp_path)) == 1


def test_an_import_sends_mail_where_it_is_told_to(tmp_path: Path) -> None:
    brought_in(tmp_path, HISTORY, "--notify")
    brought_in(tmp_path, HISTORY, "--notify")
    [mail] = mails(tmp_path)
    assert "To: ann@example.com" in mail
    assert "you had 120 points" in mail


def test_a_mail_server_needs_a_sender(tmp_path: Path) -> None:
    done = laurels("notify", "--once", cwd=tmp_path, LAURELS_NOTIFY_SMTP_URL="smtp://shop:hunter2@mail.example")
    assert done.returncode == 2
    assert done.stderr.startswith("laurels: notify.from is not set: say who the mails are from")
    assert "hunter2" not in done.stdout + done.stderr


def test_a_sender_is_checked_before_anything_is_sent(tmp_path: Path) -> None:
    done = laurels("notify", "--once", cwd=tmp_path, LAURELS_NOTIFY_FROM="Corner Shop")
    assert done.returncode == 2
    assert "notify.from is 'Corner Shop': give one address such as" in done.stderr


def test_a_url_that_is_none_is_refused_without_its_password(tmp_path: Path) -> None:
    done = laurels(
        "notify",
        "--once",
        cwd=tmp_path,
        LAURELS_NOTIFY_SMTP_URL="http://shop:hunter2@mail.example",
        LAURELS_NOTIFY_FROM="points@shop.example",
    )
    assert done.returncode == 2
    assert done.stderr.startswith("laurels: notify.smtp_url: it names no mail server")
    assert "hunter2" not in done.stdout + done.stderr

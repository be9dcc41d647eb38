"""The mail itself: its words, its bytes, and what no address or name can do to it."""

import re
from email import message_from_string
from email.headerregistry import AddressHeader
from email.message import EmailMessage
from email.policy import default as parse_policy

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from laurels.errors import SettingsError
from laurels.intake.forms import OrderForm
from laurels.ledger import Message
from laurels.notify import BadAddress, Composer, parse_address
from laurels.program import DEFAULT_PROGRAM, Program, parse_program

SENDER = "Corner Shop <points@shop.example>"


def program(version: int, **milestones: int) -> Program:
    rules, _, _ = DEFAULT_PROGRAM.replace("version = 1", f"version = {version}").partition("[[milestones]]")
    tables = (f'[[milestones]]\nname = "{name}"\nabove = {above}\n' for name, above in milestones.items())
    return parse_program(rules + "\n".join(tables))


def message(points: int = 120, milestone: str = "silver") -> Message:
    return Message(
        id="0f" * 16,
        email=None,
        milestone=milestone,
        points=points,
        created_at=1_793_490_300_000_000,  # 2026-10-31T23:45:00Z
        attempts=1,
    )


def compose(sender: str = SENDER, email: str = "ann@example.com", points: int = 120) -> EmailMessage:
    return Composer(sender, [program(1, silver=100)]).compose(message(points), email)


def received(mail: EmailMessage) -> EmailMessage:
    parsed = message_from_string(bytes(mail).decode().replace("\r\n", "\n"), policy=parse_policy)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def test_it_is_a_mail_that_a_shop_would_send() -> None:
    mail = received(compose())
    assert dict(mail.items()) == {
        "Message-ID": f"<{'0f' * 16}@shop.example>",
        "Date": "Sat, 31 Oct 2026 23:45:00 +0000",
        "From": SENDER,
        "To": "ann@example.com",
        "Subject": "You have passed 100 points at Corner Shop",
        "Auto-Submitted": "auto-generated",
        "MIME-Version": "1.0",
        "Content-Type": mail["Content-Type"],
    }
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_the_plain_text_is_good_by_itself() -> None:
    body = received(compose(points=1_234)).get_body(("plain",))
    assert body is not None
    assert body.get_content() == (
        "Hello,\n"
        "\n"
        "You have passed 100 points at Corner Shop. Thank you!\n"
        "\n"
        "On 31 October 2026 you had 1,234 points.\n"
        "\n"
        "What is next: every order adds to your points and lifts you in the rankings.\n"
        "\n"
        "Your points and the rankings are in your account at Corner Shop.\n"
        "\n"
        "Corner Shop sends you this mail once, because you collect points there.\n"
    )


def test_it_names_the_next_milestone() -> None:
    composer = Composer(SENDER, [program(1, silver=100, gold=500, platinum=1000)])
    for points, following in [(120, "500"), (500, "500"), (501, "1,000")]:
        body = composer.compose(message(points), "ann@example.com").get_body(("plain",))
        assert body is not None
        assert f"What is next: {following} points." in body.get_content()


def test_a_milestone_is_named_as_it_was_passed() -> None:
    """The program in force may have moved it since, or dropped it."""
    for newer in (program(2, silver=200), program(2, gold=500), program(2)):
        mail = Composer(SENDER, [newer, program(1, silver=100)]).compose(message(120), "ann@example.com")
        assert mail["Subject"] == "You have passed 100 points at Corner Shop"


def test_the_day_is_the_programs() -> None:
    paris = parse_program(program(1, silver=100).text.replace("Europe/London", "Europe/Paris"))
    body = Composer(SENDER, [paris]).compose(message(), "ann@example.com").get_body(("plain",))
    assert body is not None
    assert "On 1 November 2026" in body.get_content()


@pytest.mark.parametrize(
    "sender", [SENDER, "Tōkyō & Söhne <points@söhne.example>", f"{'long ' * 300} <a@shop.example>"]
)
def test_the_same_message_gives_the_same_bytes_in_short_ascii_lines(sender: str) -> None:
    first, second = (bytes(compose(sender)) for _ in range(2))
    assert first == second
    assert first.isascii()
    assert max(map(len, first.split(b"\r\n"))) < 998
    assert b"\n" not in first.replace(b"\r\n", b"")


def test_nothing_is_loaded_from_elsewhere_and_nobody_is_followed() -> None:
    body = received(compose()).get_body(("html",))
    assert body is not None
    assert not re.search(r"https?:|//|<(a|img|link|script|iframe|form)\b|url\(|@import", body.get_content())


def test_a_shops_name_is_no_markup() -> None:
    body = received(compose('"<b>Bob & Söhne" <points@shop.example>')).get_body(("html",))
    assert body is not None
    assert "&lt;b&gt;Bob &amp; Söhne" in body.get_content()


@pytest.mark.parametrize(
    ("sender", "name", "address"),
    [
        ("points@shop.example", "", "points@shop.example"),
        (SENDER, "Corner Shop", "points@shop.example"),
        ('"Shop, The \\"Corner\\"" <points@shop.example>', 'Shop, The "Corner"', "points@shop.example"),
        ("Mr. Bob's Shop, Ltd <points@shop.example>", "Mr. Bob's Shop, Ltd", "points@shop.example"),
        ("Łódź Świat <points@łódź.example>", "Łódź Świat", "points@xn--d-uga0v4h.example"),
    ],
)
def test_a_sender_is_read_back_as_it_was_set(sender: str, name: str, address: str) -> None:
    header = received(compose(sender))["From"]
    assert isinstance(header, AddressHeader)
    assert [(each.display_name, each.addr_spec) for each in header.addresses] == [(name, address)]


@pytest.mark.parametrize(
    "sender",
    [
        "",
        "Corner Shop",
        "points@",
        "@shop.example",
        "a@b@shop.example",
        "points@shop..example",
        "points@-shop.example",
        "pöints@shop.example",
        "Shop\r\nBcc: eve@example.com <points@shop.example>",
        "points@shop.example\r\nBcc: eve@example.com",
        "Shop\x00 <points@shop.example>",
        "points@shop.example, eve@example.com",
        "=?utf-8?q?a=0d=0aBcc:_eve?= <points@shop.example>",
    ],
)
def test_a_sender_that_is_none_is_refused_at_start(sender: str) -> None:
    with pytest.raises(SettingsError, match=r"notify\.from is .*: give one address such as"):
        Composer(sender, [program(1, silver=100)])


@pytest.mark.parametrize(
    ("email", "written"),
    [
        ("ann@example.com", "ann@example.com"),
        ("o'neill+points@example.co.uk", "o'neill+points@example.co.uk"),
        ("ann@Straße.example", "ann@xn--strae-oqa.example"),
        ("ann@gaeilge.éire.example", "ann@gaeilge.xn--ire-9la.example"),
        ("seán@example.ie", "seán@example.ie"),
    ],
)
def test_an_address_as_mail_servers_know_it(email: str, written: str) -> None:
    assert parse_address(email).addr_spec == written
    header = received(compose(email=email))["To"]
    assert isinstance(header, AddressHeader)
    assert [each.addr_spec for each in header.addresses] == [written]


@pytest.mark.parametrize(
    "email",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@example.com\r\nBcc: eve@example.com",
        "ann\r\nBcc: eve@example.com",
        "ann <ann@example.com>",
        "ann<eve@example.com",
        "ann@example.com>,<eve@example.com",
        '"ann"@example.com',
        "a,b@example.com",
        "ann.@example.com",
        "=?utf-8?q?a=0d=0aBcc:_eve?=@example.com",
        "\u202eann@example.com",
        "ann@example.com,eve@example.com",
        "ann@exam ple.com",
        "ann@127.0.0.1:25",
        "ann@[127.0.0.1]",
        "ann@.example.com",
        "ann@example..com",
        "ann@example.com\x00",
        f"{'a' * 65}@example.com",
        f"ann@{'a' * 64}.com",
        "ann@\ud800.example",
        "\ud800@example.com",
        "ann@xn--a.example",
    ],
)
def test_what_is_no_address_is_refused_without_quoting_it(email: str) -> None:
    with pytest.raises(BadAddress) as refusal:
        compose(email=email)
    assert refusal.value.message == "This is no address that mail can be sent to."


TEXTS = st.text(st.characters() | st.sampled_from("@.,;:<>()[]\"'\\= \r\n\t?_-=\x00\x85\u2028"), max_size=40)


COMPOSER = Composer(SENDER, [program(1, silver=100)])


@settings(max_examples=200, deadline=None)
@given(local_part=TEXTS, domain=st.sampled_from(["example.com", "söhne.example"]) | TEXTS)
@example("=?utf-8?q?a=0d=0ab?=", "example.com")
@example("\u202e", "example.com")
def test_no_address_gets_beyond_its_header(local_part: str, domain: str) -> None:
    email = f"{local_part}@{domain}"
    try:
        mail = COMPOSER.compose(message(), email)
    except BadAddress:
        return
    parsed = received(mail)
    assert parsed.keys() == compose().keys()
    header = parsed["To"]
    assert isinstance(header, AddressHeader)
    [address] = header.addresses
    assert (address.username, address.domain) == (local_part, parse_address(email).domain)


@settings(max_examples=50, deadline=None)
@given(name=TEXTS)
@example("Shop, " * 30 + "ü")
@example("=?utf-8?q?a?=")
def test_no_shops_name_gets_beyond_its_header(name: str) -> None:
    try:
        mail = compose(f"{name} <points@shop.example>")
    except SettingsError:
        return
    parsed = received(mail)
    assert parsed.keys() == compose().keys()
    header = parsed["From"]
    assert isinstance(header, AddressHeader)
    [address] = header.addresses
    [sent] = mail["From"].addresses
    assert address.addr_spec == "points@shop.example"
    # Python's own reader may add spaces between the lines of a folded name.
    assert "".join(address.display_name.split()) == "".join(sent.display_name.split())


@pytest.mark.parametrize("email", ["jürgen@söhne.example", "a,b@example.com", "ann<eve@example.com"])
def test_the_api_takes_addresses_that_are_looked_at_again_here(email: str) -> None:
    assert OrderForm(member_id="ann", currency="GBP", total="1.00", email=email).order("A1", 0).email == email


def test_a_reminder_says_how_many_points_lapse_when() -> None:
    composer = Composer(SENDER, [program(1, silver=100)])
    mail = received(composer.compose(message(1_234, "lapse:2026-11:30"), "ann@example.com"))
    assert mail["Subject"] == "1,234 points of yours at Corner Shop will lapse in November 2026"
    plain, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert "1,234 points of yours at Corner Shop will lapse in November 2026 if you do not" in plain.get_content()
    assert "<strong>November 2026</strong>" in html.get_content()
    one = received(composer.compose(message(1, "lapse:2026-11:7"), "ann@example.com"))
    assert one["Subject"] == "1 point of yours at Corner Shop will lapse in November 2026"


def test_a_reminder_is_over_with_its_month_and_a_milestone_never() -> None:
    composer = Composer(SENDER, [program(1, silver=100)])
    last, first = 1_796_083_199_000_000, 1_796_083_200_000_000  # 23:59:59 on 30 November 2026 in London, and midnight
    reminder = message(5, "lapse:2026-11:7")
    assert [composer.is_over(reminder, at) for at in (last, first)] == [False, True]
    assert not composer.is_over(message(), first + 10**15)

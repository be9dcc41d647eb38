"""The console has words for all that it may be told, and they are those of its people."""

import re
from importlib.resources import files

from laurels.awarding.causes import CAUSES
from laurels.console import formats, words
from laurels.http.app import ROUTES
from laurels.model import DocumentKind


def test_every_kind_of_document_has_its_words() -> None:
    assert set(DocumentKind) <= words.HITS.keys()


def test_the_words_are_plain() -> None:
    tables = [value for name, value in vars(words).items() if name.isupper() and isinstance(value, dict)]
    said = [(text if isinstance(text, str) else text[0]).lower() for table in tables for text in table.values()]
    templates = files("laurels.console").joinpath("templates").iterdir()
    said += [
        re.sub(r"{[{%].*?[%}]}|<[^>]*>", " ", each.read_text("utf-8"), flags=re.DOTALL).lower() for each in templates
    ]
    assert not re.search(r"(?<![-\w])(successfully|please|oops|invalid|user|redeem)\b", " ".join(said))


def test_every_cause_has_its_words_and_a_remedy() -> None:
    assert {*words.CAUSES} - {""} == {*words.REMEDIES} == {*CAUSES}


def test_whatever_the_log_tells_has_words() -> None:
    recorded = {route.handle.__name__ for route in ROUTES if route.access is not None and route.audited}
    assert recorded - {*words.ACTIONS} == set()
    assert len({*words.ACTIONS.values()}) == len(words.ACTIONS)  # each is a choice of its own over the log
    of_members = {"member_id", "number"}
    for route in ROUTES:
        named = [name for name in re.findall(r"{(\w+)}", route.path) if name not in of_members]
        if route.audited and named:
            said = words.thing(" ".join(f"{name}=A/1" for name in named))
            assert "=" not in said, (route.path, said)
    assert words.thing("order_id=A 1 refund_id=R1") == "refund R1 of order A 1"
    assert words.thing("which=2") == "version 2"
    assert words.thing("kind=order source=shop id=Order 1 of 2") == "order Order 1 of 2 of shop"
    assert words.thing("entry 0-5") == "entry 0-5"


def test_a_member_is_a_customer_in_whatever_the_api_says() -> None:
    said = {
        "No such member.": "No such customer.",
        "A member's points must stay": "A customer's points must stay",
        "Members of both: members.": "Customers of both: customers.",
        "member_id: `member` is for members:read, or member.id, of remembered non-members": None,
    }
    for text, told in said.items():
        assert words.for_people(text) == (told or text)


def test_a_name_begins_a_line_and_keeps_its_letters() -> None:
    assert [formats.begun(name) for name in ("gold", "VIP", "eXtra", "")] == ["Gold", "VIP", "EXtra", ""]

"""A form that is refused says so first: in the page's title, and where the focus is when the page comes, so that who
does not see the page hears what is wrong and where; and no two pages have the same title.
"""

from collections.abc import AsyncIterator, Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.console.console_shop import ConsoleShop, open_console_shop

from laurels.console.views import PAGES
from laurels.program import DEFAULT_PROGRAM

pytestmark = pytest.mark.anyio

ROLES = ("lead", "operator", "auditor", "finance", "program", "approver")
REFUSED: dict[str, tuple[str, str, Mapping[str, str]]] = {
    "correct": ("/customers/0/correct", "/customers/0/correct", {"points": "many", "reason": "ticket 7"}),
    "correct twice wrong": ("/customers/0/correct", "/customers/0/correct", {"points": "2,5", "until": "soon"}),
    "correct too much": ("/customers/0/correct", "/customers/0/correct", {"points": "9999999999", "reason": "t"}),
    "correct, lapsed": (
        "/customers/0/correct",
        "/customers/0/correct",
        {"points": "5", "reason": "t", "until": "2020-01-01"},
    ),
    "merge": ("/customers/1/merge?into=none", "", {}),
    "erase": ("/customers/0/erase", "/customers/0/erase", {"typed": "somebody else"}),
    "stop": ("/campaigns/stop?campaign=double", "/campaigns/stop", {"why": " "}),
    "submit": ("/program", "/program", {"text": "version = no"}),
    "extend": ("/program/extend", "/program/extend", {"first": "2027-02-30", "last": "", "until": "x"}),
    "extend backwards": (
        "/program/extend",
        "/program/extend",
        {"first": "2087-03-01", "last": "2087-02-01", "until": "2087-04-01"},
    ),
    "log": ("/log?member=A1&since=never", "", {}),
    "finance": ("/finance?from=2026-02-01&to=2026-01-01", "", {}),
    "liability": ("/finance/liability?at=never", "", {}),
    "drop": ("/work/order?source=shop&id=USD", "/work/order", {"reason": " ", "step": "drop"}),
    "corrections": ("/corrections", "/corrections", {}),
    "erasures": ("/erasures", "/erasures", {}),
}


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[ConsoleShop]:
    program = tmp_path / "program.toml"
    program.write_text(f'{DEFAULT_PROGRAM}\n[[campaigns]]\nname = "double"\nmultiply = "2"\n', "utf-8")
    async with open_console_shop(tmp_path / "state", program_file=program) as console:
        for member in ("ann", "bob"):
            await console.shop.order(f"A{member}", member, "25.00")
        await console.shop.ask("POST", "/order/USD", json={"member_id": "ann", "currency": "USD", "total": "1.00"})
        await console.shop.settle()
        yield console


class Read(HTMLParser):
    """A page's title, its elements by their ids, what has the focus, links, and tables with their names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.title = ""
        self.ids: dict[str, dict[str, str | None]] = {}
        self.focused: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.unnamed_tables = 0
        self._open: list[str] = []
        self._table = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._open.append(tag)
        if found.get("id"):
            self.ids[str(found["id"])] = found
        if "autofocus" in found:
            self.focused.append(found)
        if tag == "a":
            self.links.append(found.get("href") or "")
        if tag == "table":
            self.unnamed_tables += not found.get("aria-label")
        if tag == "caption":
            self.unnamed_tables -= 1

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "title":
            self.title += data

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass


async def test_a_refused_form_is_told_first(console: ConsoleShop) -> None:
    visitor = await console.signed_in(*ROLES)
    for name, (page, to, said) in REFUSED.items():
        answer = await visitor.open(page)
        if to:
            assert answer.status_code == 200, (name, answer.text)
            answer = await visitor.send(to, dict(said))
        assert 400 <= answer.status_code < 500, (name, answer.text)
        read = Read(answer.text)
        assert read.title.startswith("Not done: "), (name, read.title)
        assert len(read.focused) == 1, (name, read.focused)
        [focused] = read.focused
        if focused.get("role") == "alert":
            assert focused.get("tabindex") == "-1", f"{name}: what is no field takes the focus by this alone"
        else:
            assert focused.get("aria-invalid") == "true", name
            assert focused.get("aria-describedby"), f"{name}: what is wrong is read with the field"
        assert 'role="alert"' in answer.text, name
        for each in read.ids.values():
            assert {*(each.get("aria-describedby") or "").split()} <= {*read.ids}, (name, each)
            if each.get("aria-invalid") and "autofocus" not in each:
                assert f"#{each['id']}" in read.links, f"{name}: of several that are wrong each is named at the top"


async def test_pages_have_titles_of_their_own_and_tables_names(console: ConsoleShop) -> None:
    visitor = await console.signed_in(*ROLES)
    titles: dict[str, str] = {}
    for each in PAGES:
        if each.method == "GET" and "{" not in each.path.replace("/customers/{number:str}", ""):
            path = each.path.replace("{number:str}", "0")
            answer = await visitor.open(path)
            if "html" not in answer.headers.get("content-type", ""):
                continue
            assert answer.status_code < 500, path
            if answer.status_code != 200:
                continue
            read = Read(answer.text)
            assert read.unnamed_tables == 0, path
            assert read.title not in titles, f"{path} and {titles[read.title]} are both called {read.title}"
            titles[read.title] = path
    assert len(titles) > 20


async def test_what_is_wrong_once_is_said_once(console: ConsoleShop) -> None:
    visitor = await console.signed_in("support")
    for path, form, field in (
        ("/customers/0/correct", {"points": "5", "reason": "t", "until": "2020-01-01"}, "until"),
        ("/customers/0/correct", {"points": "9999999999", "reason": "t"}, "points"),
    ):
        await visitor.open(path)
        text = (await visitor.send(path, form)).text
        assert "One thing has to be mended" in text
        assert text.count(f'<a href="#{field}">') == 1


async def test_a_page_that_shows_no_times_names_no_zone(console: ConsoleShop) -> None:
    """What a role may not see is refused before anybody asks for the zone, which was said not to be known."""
    page = await (await console.signed_in("support")).open("/finance")
    assert (page.status_code, "Times are those of" in page.text) == (403, False)

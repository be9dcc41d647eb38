"""Every page for every role and for nobody, made from the table of pages: who may see it, and by whose form."""

import re
from collections.abc import AsyncIterator

import pytest
from tests.console.console_shop import ConsoleShop, Visitor, open_console_shop

from laurels.console.page import Page
from laurels.console.views import PAGES
from laurels.model.people import ROLES, roles_with

pytestmark = [pytest.mark.anyio, pytest.mark.long]

PARTS = {"number": "0", "job": "1", "kind": "order", "which": "1", "id": "5f2c"}
SHOWN = [page for page in PAGES if page.method == "GET"]
SENT = [page for page in PAGES if page.method == "POST"]
ALIKE = {"/customers/{number:str}/contact"}
"""What is shown by a button, and changes nothing."""


@pytest.fixture(scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ConsoleShop]:
    async with open_console_shop(tmp_path_factory.mktemp("state")) as console:
        yield console


def address(page: Page, **parts: str) -> str:
    return re.sub(r"{(\w+):str}", lambda found: {**PARTS, **parts}[found[1]], page.path)


def may(role: str, page: Page) -> bool:
    return bool(ROLES[role] & set(page.scopes))


async def token_of(visitor: Visitor) -> dict[str, str]:
    await visitor.open("/")
    await visitor.follow()
    return {"_csrf_token": visitor.fields("/sign-out")["_csrf_token"]}


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_sees_what_it_may_and_nothing_else(console: ConsoleShop, role: str) -> None:
    visitor = await console.signed_in(role, name=f"{role}-sees")
    for page in SHOWN:
        answer = await visitor.open(address(page))
        if may(role, page):
            assert answer.status_code in {200, 404}, page.path
        else:
            assert answer.status_code == 403, page.path
            assert "Not for your role" in answer.text, page.path
            assert all(name in ROLES for name in roles_with(page.scopes)), page.path


@pytest.mark.parametrize("role", ROLES)
async def test_a_role_sends_what_it_may_and_nothing_else(console: ConsoleShop, role: str) -> None:
    """Forms with nothing in them but their token: they change nothing even where they may be sent."""
    visitor = await console.signed_in(role, name=f"{role}-sends")
    token = await token_of(visitor)
    for page in SENT:
        if may(role, page) and page.path.endswith(("/hide", "/show", "/rehearse", "/retry-all")):
            continue  # these need nothing more to be done
        answer = await visitor.client.post(address(page), data=token)
        if may(role, page):
            others = {403} if page.path == "/jobs/{job:str}/stop" else set()  # a job that somebody else began
            assert answer.status_code in {200, 303, 404, 409, 422} | others, (page.path, answer.status_code)
        else:
            assert (answer.status_code, "Not for your role" in answer.text) == (403, True), page.path


async def test_nobody_sees_and_sends_nothing(console: ConsoleShop) -> None:
    nobody = console.visitor("lead")
    await nobody.open("/sign-in")
    for page in SHOWN:
        answer = await nobody.open(address(page))
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in"), page.path
    for page in SENT:
        answer = await nobody.client.post(address(page))
        assert answer.status_code == 403, page.path


async def test_no_form_of_another_page_is_taken(console: ConsoleShop) -> None:
    """Neither without its token, nor from another origin with it."""
    roles = [*ROLES]
    visitor = await console.signed_in(*roles, name="all")
    token = await token_of(visitor)
    for page in SENT:
        path = address(page)
        assert (await visitor.client.post(path)).status_code == 403, path
        wrong = {"_csrf_token": f"{token['_csrf_token'][:-4]}0000"}
        assert (await visitor.client.post(path, data=wrong)).status_code == 403, path
        for headers in ({"Origin": "https://evil.example.com"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            answer = await visitor.client.post(path, data=token, headers=headers)
            assert (answer.status_code, "This form is too old" in answer.text) == (403, True), (path, headers)


async def test_looking_changes_nothing(console: ConsoleShop) -> None:
    """Every page that is got leaves the ledger's feed and the jobs as they were."""
    visitor = await console.signed_in(*ROLES, name="looks")
    ledger = console.shop.services.ledger
    before = (await ledger.heads()).marks, await ledger.jobs(limit=1), len(await ledger.program_events())
    for page in SHOWN:
        await visitor.open(address(page))
    assert ((await ledger.heads()).marks, await ledger.jobs(limit=1), len(await ledger.program_events())) == before


@pytest.mark.parametrize("part", ["-1", "0x0", "00", "1e3", "99999999999999999999", "%2e%2e", "a%00b", "é", "' OR 1=1"])
async def test_a_changed_id_in_an_address_leads_nowhere(console: ConsoleShop, part: str) -> None:
    visitor = await console.signed_in(*ROLES, name="changes")
    for page in SHOWN:
        if "{" in page.path:
            names = re.findall(r"{(\w+):str}", page.path)
            answer = await visitor.open(address(page, **dict.fromkeys(names, part)))
            assert answer.status_code in {200, 404, 422}, (page.path, answer.status_code)
            assert answer.status_code != 200 or part == "00", page.path


async def test_dots_in_a_query_lead_to_no_other_call(console: ConsoleShop) -> None:
    visitor = await console.signed_in(*ROLES, name="dots")
    for path in ("/boards?board=..", "/boards?board=../members", "/program/1/approve?job=../programs"):
        assert (await visitor.open(path)).status_code == 404, path

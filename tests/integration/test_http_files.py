"""The pages' files over HTTP: compressed for whoever takes that, sent again only where they changed."""

import gzip
from collections.abc import AsyncIterator

import pytest
from tests.integration.http_shop import Shop, open_shop

from laurels.http.serving.files import MEDIA_TYPES, WEB

pytestmark = pytest.mark.anyio

FILES = sorted(path for path in WEB.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path_factory.mktemp("state")) as shop:
        yield shop


async def test_every_file_is_there_in_both_forms(shop: Shop) -> None:
    for file in FILES:
        path = f"/web/{file.relative_to(WEB)}"
        for coding in ("gzip", "identity"):
            answer = await shop.client.get(path, headers={"Accept-Encoding": coding})
            assert (answer.status_code, answer.content) == (200, file.read_bytes()), path
            assert answer.headers.get("content-encoding") == (None if coding == "identity" else "gzip")
            assert answer.headers["vary"] == "Accept-Encoding"
            assert answer.headers["cache-control"] == "no-cache"
            assert answer.headers["content-type"].partition(";")[0] == MEDIA_TYPES[file.suffix]


@pytest.mark.parametrize("path", ["/", "/docs", "/elements/laurels-dashboard.js"])
async def test_pages_and_elements_too(shop: Shop, path: str) -> None:
    answer = await shop.client.get(path, headers={"Accept-Encoding": "br, gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    plain = await shop.client.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.content == answer.content
    assert answer.headers["content-length"] == str(len(gzip.compress(plain.content, 9)))


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip", True),
        ("GZIP;q=0.5", True),
        ("deflate, gzip; q=1.0, *;q=0", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, identity", False),
        ("", False),
        ("br", False),
        ("xgzip, gzipped", False),
    ],
)
async def test_compressed_for_whoever_takes_it(shop: Shop, accepted: str, *, is_compressed: bool) -> None:
    answer = await shop.client.get("/web/page.css", headers={"Accept-Encoding": accepted})
    assert ("content-encoding" in answer.headers) == is_compressed
    assert answer.content == (WEB / "page.css").read_bytes()


async def test_what_did_not_change_is_not_sent_again(shop: Shop) -> None:
    tags = []
    for coding in ("gzip", "identity"):
        first = await shop.client.get("/elements/feed.js", headers={"Accept-Encoding": coding})
        tags.append(first.headers["etag"])
        known = {"Accept-Encoding": coding, "If-None-Match": tags[-1]}
        again = await shop.client.get("/elements/feed.js", headers=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tags[-1])
        assert again.headers["access-control-allow-origin"] == "*"
    assert tags[0] != tags[1]
    mixed = {"Accept-Encoding": "identity", "If-None-Match": tags[0]}
    assert (await shop.client.get("/elements/feed.js", headers=mixed)).status_code == 200


async def test_the_head_alone(shop: Shop) -> None:
    for path in ("/", "/elements/feed.js"):
        full, head = await shop.client.get(path), await shop.client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == full.headers["content-length"]
        assert head.headers["etag"] == full.headers["etag"]


async def test_a_page_of_any_origin_may_load_the_element_and_nothing_else(shop: Shop) -> None:
    for file in FILES:
        for path in {f"/web/{file.relative_to(WEB)}", f"/{file.relative_to(WEB)}"}:
            answer = await shop.client.get(path, headers={"Origin": "https://shop.example"})
            is_of_element = file.is_relative_to(WEB / "elements")
            if path.startswith("/web/"):
                assert answer.status_code == 200
            else:
                assert answer.status_code == (200 if is_of_element else 404)
            expected = "*" if is_of_element else None
            assert answer.headers.get("access-control-allow-origin") == expected


async def test_a_folder_is_no_file(shop: Shop) -> None:
    for path in ("/web", "/web/", "/elements", "/elements/texts", "/web/demo/nothing.js", "/web/__init__.py"):
        assert (await shop.client.get(path)).status_code == 404

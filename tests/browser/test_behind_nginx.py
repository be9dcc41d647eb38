"""Behind nginx at a path of its own, in both ways to write `proxy_pass`: pages, documentation, element, API, stream."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from tests.conftest import REPOSITORY
from tests.ending import end
from tests.ports import free_port
from tests.security.attacks import AttackedServer, served, until

from laurels.errors import SettingsError
from laurels.http.app import ROUTES
from laurels.http.requests.prefix import check_prefix

pytestmark = pytest.mark.slow

CONFIG = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream laurels {{ server 127.0.0.1:{laurels}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        location /laurels/ {{
            proxy_pass http://laurels{target};
            proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
        }}
        location / {{ return 404 "the shop's own"; }}
    }}
}}
"""
WAYS = {"takes the path off": "/", "passes it on": ""}


@contextmanager
def nginx(folder: Path, laurels: int, target: str) -> Iterator[str]:
    program = shutil.which("nginx", path=f"{REPOSITORY}/.venv/bin:/usr/sbin:/usr/local/bin:/usr/bin")
    if program is None:
        pytest.skip("nginx is not installed: scripts/nginx .venv takes it from Debian's package")
    port = free_port()
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, laurels=laurels, port=port, target=target))
    process = subprocess.Popen([program, "-p", folder, "-e", "stderr", "-c", config])
    try:
        until(lambda: answers(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", timeout=60).status_code == 404
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedServer]:
    with served(tmp_path_factory.mktemp("served"), http_root_path="/laurels") as server:
        yield server


@pytest.fixture(scope="module", params=WAYS)
def shop(
    request: pytest.FixtureRequest, server: AttackedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where the proxy shows Laurels."""
    folder = tmp_path_factory.mktemp("nginx") / "nginx"
    with nginx(folder, server.port, WAYS[request.param]) as address:
        yield f"{address}/laurels/"


def test_every_page_finds_what_it_loads(shop: str) -> None:
    seen, to_see = set(), [shop, f"{shop}docs", f"{shop}elements/examples.html"]
    while to_see:
        url = to_see.pop()
        answer = httpx.get(url, timeout=60)
        assert answer.status_code == 200, url
        seen.add(url.removeprefix(shop))
        for found in re.findall(r'(?: src| href)="([^"#\s]+)"|from "([^"\s]+)"', answer.text):
            linked = str(httpx.URL(url).join(found[0] or found[1]))
            assert linked.startswith(shop), f"{url} leads to {linked}"
            if linked.removeprefix(shop) not in seen:
                to_see.append(linked)
    assert {"web/page.css", "web/docs.js", "web/dashboard.js", "openapi.json"} <= seen
    assert "elements/laurels-dashboard.js" in seen


def test_the_api_and_its_description(shop: str, server: AttackedServer) -> None:
    headers = {"Authorization": f"Bearer {server.token('ann')}"}
    for _ in range(2):  # the second time the token is known, and the answer comes from the connection
        answer = httpx.get(f"{shop}loyalty/ann", headers=headers, timeout=60)
        assert (answer.status_code, answer.json()["me"]["points"]) == (200, 0)
    assert httpx.get(f"{shop}openapi.json", timeout=60).json()["servers"] == [{"url": "/laurels"}]
    assert httpx.get(f"{shop}metrics/", timeout=60).status_code == 404
    assert httpx.head(f"{shop}healthz", timeout=60).status_code == 200
    with httpx.stream("GET", f"{shop}loyalty/ann/live", headers=headers, timeout=60) as stream:
        event = next(line for line in stream.iter_lines() if line.startswith("data: "))
        assert json.loads(event.removeprefix("data: "))["me"]["points"] == 0


def test_the_pages_work_in_a_browser(shop: str, server: AttackedServer, page: Page) -> None:
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("response", lambda answer: said.append(answer.url) if answer.status >= 400 else None)
    page.goto(f"{shop}docs")
    page.wait_for_selector("#problems:not([hidden])")
    assert f"{shop}loyalty/17850" in page.inner_text("#operations")
    page.goto(f"{shop}#member=ann&token={server.token('ann')}")
    page.wait_for_selector("#me:not([hidden])")
    page.goto(f"{shop}elements/examples.html#member=ann&token={server.token('ann')}")
    expect(page.locator("laurels-dashboard").first).to_contain_text("0")  # an eval is forbidden by the page's policy
    assert [each for each in said if "favicon" not in each] == []


def test_without_the_proxy_both_spellings_are_there(server: AttackedServer) -> None:
    address = f"http://127.0.0.1:{server.port}"
    for path in ("/healthz", "/laurels/healthz", "/laurels/"):
        assert httpx.get(address + path, timeout=60).status_code == 200
    answer = httpx.get(f"{address}/laurels", timeout=60)
    assert (answer.status_code, answer.headers["location"]) == (308, "/laurels/")
    for path in ("/laurelshealthz", "/laurels/laurels/healthz", "/%6Caurels/healthz", "//laurels/healthz"):
        assert httpx.get(address + path, timeout=60).status_code == 404, path


@pytest.mark.parametrize(
    "prefix", ["laurels", "/laurels/", "/", "//a", "/a//b", "/a b", "/a%20b", "/..", "/a/./b", "/a?b"]
)
def test_what_is_no_path_is_refused(prefix: str) -> None:
    with pytest.raises(SettingsError, match=r"http\.root_path"):
        check_prefix(prefix, [])


@pytest.mark.parametrize("prefix", ["/order", "/loyalty/x", "/web"])
def test_a_path_of_our_own_is_refused(prefix: str) -> None:
    with pytest.raises(SettingsError, match="of Laurels itself"):
        check_prefix(prefix, [*(route.path for route in ROUTES), "/web/page.css"])
    check_prefix("/orders-and-points/v1", [route.path for route in ROUTES])

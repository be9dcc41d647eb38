"""The image of deploy/Dockerfile, made without Docker: each of its steps in an empty Debian; then what it runs."""

import os
import re
import shutil
import subprocess
import time
from http import HTTPStatus
from importlib import metadata
from pathlib import Path

import httpx
import pytest
from tests.acceptance.command_line import served
from tests.deployment.deployed import DEPLOY, REPOSITORY
from tests.deployment.image import Stage, built, context_of, empty_debian
from tests.ending import end

NEEDED = ("apt-get", "debootstrap", "unshare", "cargo", "rustup")
MISSING = [name for name in NEEDED if shutil.which(name) is None]

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.geteuid() != 0, reason="roots of their own are made by root alone"),
    pytest.mark.skipif(bool(MISSING), reason=f"to make an image without Docker it takes {', '.join(MISSING)}"),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = tmp_path_factory.mktemp("image")
    folder.chmod(0o755)  # the image's user, who is not root, has to get in
    empty_debian(folder / "debian", "bookworm")
    context = context_of(REPOSITORY, DEPLOY / "Dockerfile.dockerignore", folder / "context")
    rust = {
        "/usr/local/cargo": Path(os.environ.get("CARGO_HOME", "~/.cargo")).expanduser(),
        "/usr/local/rustup": Path(os.environ.get("RUSTUP_HOME", "~/.rustup")).expanduser(),
    }
    return built(DEPLOY / "Dockerfile", context, folder / "debian", rust, folder)


def test_it_answers_who_it_is(image: Stage) -> None:
    assert image.run([*image.entrypoint, "--version"]) == f"{metadata.version('laurels')}\n"


def test_it_holds_nothing_that_built_it(image: Stage) -> None:
    assert not (image.root / "build").exists()
    assert not (image.root / "usr/local/cargo").exists()
    assert not (image.root / "usr/local/rustup").exists()


def test_its_user_is_not_root_and_owns_its_state_alone(image: Stage) -> None:
    state = (image.root / "var/lib/laurels").stat()
    assert (state.st_uid, state.st_gid, state.st_mode & 0o777) == (10001, 10001, 0o700)
    assert image.run(["id", "-u"]) == "10001\n"


def test_it_takes_an_order_and_shows_it_on_the_native_board(image: Stage) -> None:
    state = Path("/var/lib/laurels")
    program = image.command(image.entrypoint)
    with served(state, program=program) as address:
        till = image.run([*image.entrypoint, "token", "--service", "--scope", "orders:write", "--state", str(state)])
        order = {"member_id": "m1", "currency": "GBP", "total": "74.00"}
        taken = httpx.post(
            f"{address}/order/A1", json=order, headers={"Authorization": f"Bearer {till.strip()}"}, timeout=60
        )
        assert taken.status_code == HTTPStatus.ACCEPTED, taken.text
        own = image.run([*image.entrypoint, "token", "--member", "m1", "--state", str(state)])
        reader = {"Authorization": f"Bearer {own.strip()}"}
        while _points(address, reader) != 7:
            time.sleep(0.05)  # another process awards it; the test's own time limit ends this
    assert (image.root / "var/lib/laurels/board").is_dir(), "the native core keeps its boards there"


def test_its_console_is_opened_and_draws(image: Stage) -> None:
    """Under a user who has no name, as containers have; people see what the one who signed in is called."""
    state = "/var/lib/laurels"
    image.run([*image.entrypoint, "migrate", "--state", state])
    command = image.command([*image.entrypoint, "console", "--state", state, "--port", "0", "--roles", "finance"])
    console = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert console.stdout is not None
        base, _, code = console.stdout.readline().strip().partition("/sign-in?code=")
        with httpx.Client(base_url=base, timeout=60) as client:
            assert client.get("/healthz").json() == {"alive": True}
            page = client.get(f"/sign-in?code={code}")
            [token] = re.findall(r'name="_csrf_token" value="([^"]+)"', page.text)
            assert client.post("/sign-in", data={"code": code, "_csrf_token": token}).is_redirect
            page = client.get("/overview")
            assert "uid-10001" in page.text
            assert "<svg" in page.text
    finally:
        end(console)


def _points(address: str, reader: dict[str, str]) -> int | None:
    shown = httpx.get(f"{address}/loyalty/m1", headers=reader, timeout=60)
    me = shown.raise_for_status().json()["me"]
    return None if me is None else me["points"]

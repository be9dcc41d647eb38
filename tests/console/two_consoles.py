"""Two `laurels console` processes behind an nginx that asks them in turn, as the documentation shows it; either may be
killed and started again.
"""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from tests.conftest import REPOSITORY
from tests.ending import end
from tests.integration.identity_provider import IdentityProvider
from tests.ports import free_ports

PATIENCE_S = 60
ROLES = ("lead", "operator", "auditor")

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream console {{ {servers} keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 12m;
        location / {{
            proxy_pass http://console;
            proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
            proxy_next_upstream error timeout non_idempotent;
        }}
    }}
}}
"""

SETTINGS = """
[leaderboard]
engine = "memory"
[console]
address = "{address}"
issuer = "{issuer}"
client_id = "console"
client_secret_file = "{secret}"
roles = [{roles}]
"""


class Consoles:
    """Two processes, and where they are reached together."""

    def __init__(self, folder: Path, ports: list[int], address: str) -> None:
        self._folder = folder
        self._ports = ports
        self.address = address
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self.kills = 0

    async def start(self, which: int) -> None:
        """Start one, and wait until it answers."""
        self._processes[which] = self._begun(self._ports[which])
        async with httpx.AsyncClient() as client, asyncio.timeout(PATIENCE_S):
            while not await _answers(client, self._ports[which]):
                assert self._processes[which].poll() is None, self.log.read_text()
                await asyncio.sleep(0.05)

    def _begun(self, port: int) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "laurels", "console", "--state", str(self._folder / "state")]
        command += ["--config", str(self._folder / "laurels.toml"), "--port", str(port)]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    async def kill(self, which: int) -> None:
        """Kill one as it stands, and start it again."""
        self._processes[which].kill()
        self._processes[which].wait()
        self.kills += 1
        await self.start(which)

    @property
    def log(self) -> Path:
        """What both have said."""
        return self._folder / "console.log"

    def stop(self) -> None:
        """Stop both."""
        for process in self._processes.values():
            process.terminate()  # all at once
        for process in self._processes.values():
            end(process)


async def _answers(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/sign-in")).status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def two_consoles(folder: Path, provider: IdentityProvider, *, ledger: str | None) -> AsyncIterator[Consoles]:
    """Both processes over one ledger: `ledger` names a server, None the file under `folder/state`."""
    program = shutil.which("nginx", path=f"{REPOSITORY}/.venv/bin:/usr/sbin:/usr/local/bin:/usr/bin")
    if program is None:
        pytest.skip("nginx is not installed: scripts/nginx .venv takes it from Debian's package")
    port, *ports = free_ports(3)
    address = f"http://127.0.0.1:{port}"
    secret = folder / "secret"
    secret.touch(0o600)
    secret.write_text(f"{provider.client_secret}\n", "utf-8")
    roles = ", ".join(f'"{role}:groups={role}"' for role in ROLES)
    said = SETTINGS.format(address=address, issuer=provider.issuer, secret=secret, roles=roles)
    (folder / "laurels.toml").write_text(said + (f'[ledger]\nurl = "{ledger}"\n' if ledger else ""), "utf-8")
    servers = " ".join(f"server 127.0.0.1:{each} max_fails=0;" for each in ports)
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, servers=servers), "utf-8")
    consoles = Consoles(folder, ports, address)
    proxy = _proxy(program, config)
    try:
        await asyncio.gather(consoles.start(0), consoles.start(1))
        yield consoles
    finally:
        consoles.stop()
        end(proxy)


def _proxy(program: str, config: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([program, "-p", str(config.parent), "-e", "stderr", "-c", str(config)])

"""A served Laurels that can be stopped and started again under its address."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.acceptance.command_line import LAURELS
from tests.ending import end
from tests.ports import free_port

from laurels.http.admission.tokens import sign_token
from laurels.settings import Settings


class ServedShop:
    """`laurels serve` as a process."""

    def __init__(self, state: Path, **environment: str) -> None:
        """`environment` are settings, `LAURELS_HTTP_CORS_ORIGINS="https://shop.example"`."""
        self._environment = environment
        self._settings = Settings(state=state)
        self._process: subprocess.Popen[str] | None = None
        self.url = f"http://127.0.0.1:{free_port()}"

    def start(self) -> None:
        port = self.url.rpartition(":")[2]
        command = [str(LAURELS), "serve", "--state", str(self._settings.state), "--port", port]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LAURELS_")}
        self._process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env=environment | self._environment
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if found := re.search(r"answers at (http://[\d.:]+)/", line):
                self.url = found[1]
                return
        pytest.fail("laurels serve ended before it answered")

    def stop(self) -> None:
        if self._process is not None:
            end(self._process)
            self._process = None

    def token(self, member: str, ttl_s: int = 600) -> str:
        return sign_token(self._settings, subject=member, scope=None, ttl_s=ttl_s)

    def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        scope = "orders:write members:read members:write points:adjust"
        token = sign_token(self._settings, subject="till", scope=scope, ttl_s=600)
        answer = httpx.request(
            method, self.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=60, **more
        )
        assert answer.is_success, answer.text
        return answer

    def order(self, order_id: str, member: str, total: str) -> None:
        self.call("POST", f"/order/{order_id}", json={"member_id": member, "currency": "GBP", "total": total})

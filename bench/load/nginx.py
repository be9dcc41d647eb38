"""nginx as a peer: one process on a core, giving an answer of ours from memory, with as many bytes and headers."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

_CONFIG = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    access_log off; server_tokens off; keepalive_requests 1000000000; default_type application/json;
    server {{ listen 127.0.0.1:{port}; location / {{ {headers} return 200 {body}; }} }}
}}
"""
_PLACES = f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/usr/local/bin"  # first where scripts/nginx puts it
_ITS_OWN = {"date", "content-type", "content-length"}


def is_there() -> bool:
    """Whether nginx is installed."""
    return shutil.which("nginx", path=_PLACES) is not None


@contextmanager
def nginx(answer: dict[str, Any], folder: Path, core: int) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """Nginx on a core, answering everything with this; the process, and its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    headers = " ".join(
        f"add_header {name} {_quoted(value)};" for name, value in answer["headers"] if name not in _ITS_OWN
    )
    config = folder / "nginx.conf"
    config.write_text(_CONFIG.format(folder=folder, port=port, headers=headers, body=_quoted(answer["body"])), "utf-8")
    path = shutil.which("nginx", path=_PLACES)
    assert path is not None, "ask `is_there` first"
    with subprocess.Popen(["taskset", "-c", str(core), path, "-p", str(folder), "-c", str(config)]) as process:
        try:
            _wait_until_it_listens(port)
            yield process, port
        finally:
            process.terminate()


def _quoted(text: str) -> str:
    """A text in nginx's configuration; JSON's way of quoting is one that nginx reads. It has no way to say `$`."""
    assert "$" not in text
    return json.dumps(text)


def _wait_until_it_listens(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            sleep(0.02)
        else:
            return

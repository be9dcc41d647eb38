"""What the contracts of brokers share: somebody who speaks TLS, and is no broker."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="module")
def authority_file(authority: Authority) -> str:
    return str(authority.file)


@pytest.fixture(scope="module")
def tls_port(authority: Authority) -> Iterator[int]:
    """A port of a server with a certificate that only its own authority vouches for. It says nothing, and hangs up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("broker"))
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                link, _ = listening.accept()
            except OSError:  # it was closed
                return
            link.settimeout(60)
            with suppress(OSError), context.wrap_socket(link, server_side=True) as secured:
                secured.recv(1)
            link.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()

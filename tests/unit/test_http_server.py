"""The address that the server listens on."""

import socket

from laurels.http.serving.server import _listener


def test_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    """The event loop would set this on sockets that say their protocol, and those of a listener do not."""
    with _listener("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        with accepted:
            assert client.getpeername() == listener.getsockname()
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

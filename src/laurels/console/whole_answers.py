"""Answers that leave in one go: a process that dies has answered, or it has not, and who asked asks another one."""

from litestar.types import ASGIApp, Message, Receive, Scope, Send


def in_one_go(app: ASGIApp) -> ASGIApp:
    """The same application, whose head is sent with the first of its body. A proxy passes a head on as soon as it has
    one, and cannot ask the next process any more from then on.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        held: list[Message] = []

        async def send_together(message: Message) -> None:
            held.append(message)
            if message["type"] != "http.response.start":
                for each in held:
                    await send(each)
                held.clear()

        await app(scope, receive, send_together)

    return answer

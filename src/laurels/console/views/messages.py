"""Messages: what became of each, and another try."""

from urllib.parse import urlencode

from laurels.console import words
from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page


@page("GET", "/messages", "quarantine:write")
async def list_messages(ask: Ask) -> Shown:
    """Messages in a state, the oldest first."""
    return await _shown(ask)


@page("POST", "/messages/{id:str}/retry", "quarantine:write")
async def send_again(ask: Ask) -> Shown | Elsewhere:
    """Try one again, now."""
    try:
        await ask.api.post(f"/messages/{ask.path['id']}/retry")
    except ApiRefused as error:
        if error.kind != "conflict":
            raise
        return await _shown(ask, fault=error.message)
    return Elsewhere("/messages?state=due")


async def _shown(ask: Ask, fault: str = "") -> Shown:
    state = ask.query.get("state", "undeliverable")
    state = state if state in words.MESSAGES else "undeliverable"
    found = await ask.api.get("/messages", state=state, after=ask.query.get("after", ""))
    more = f"/messages?{urlencode({'state': state, 'after': found['next']})}" if found["next"] else None
    says = {"messages": found["messages"], "state": state, "states": words.MESSAGES, "more": more, "fault": fault}
    return Shown(template="messages.html", says=says, status=409 if fault else 200)


PAGES = (list_messages, send_again)

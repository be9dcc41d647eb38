"""Boards: the top as customers see it, under the names that stand there."""

from urllib.parse import quote

from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Shown, page

TOP = 100


@page("GET", "/boards", "members:read")
async def show_board(ask: Ask) -> Shown:
    """The first hundred of a board."""
    board = ask.query.get("board", "all-time")
    try:
        found = await ask.api.get(f"/leaderboard/{quote(board, safe='')}", top=TOP)
    except ApiRefused as error:
        if error.kind not in {"not-found", "board-not-ready", "address-too-long"}:
            raise
        says = {"board": board, "found": None, "fault": error.message}
        return Shown(template="board.html", says=says, status=error.status)
    return Shown(template="board.html", says={"board": board, "found": found, "fault": ""})


PAGES = (show_board,)

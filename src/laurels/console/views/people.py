"""People: who works here, with the roles that their sign-ins gave."""

from urllib.parse import urlencode

from laurels.console.page import Ask, Shown, page


@page("GET", "/people", "audit:read")
async def list_people(ask: Ask) -> Shown:
    """Everybody who is in the log, with when they were seen last."""
    after = ask.query.get("after", "")
    found = await ask.api.get("/audit/people", after=after or None)
    more = f"/people?{urlencode({'after': found['next']})}" if found["next"] else None
    people = [{**each, "log": f"/log?{urlencode({'sub': each['sub']})}"} for each in found["people"]]
    return Shown(template="people.html", says={"people": people, "more": more, "is_first": not after})


PAGES = (list_people,)

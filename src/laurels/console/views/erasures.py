"""Erase many customers from a file: chosen, checked, and asked for by the button that says what the check said."""

from typing import Any

from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.bulk import lines_of, text_of

_REFUSED = frozenset({"invalid-input", "too-large", "conflict"})


@page("GET", "/erasures", "points:approve")
async def choose_file(_: Ask) -> Shown:
    """The form."""
    return _shown()


@page("POST", "/erasures", "points:approve", takes_file=True)
async def erase_many(ask: Ask) -> Shown | Elsewhere:
    """Say whom the file erases; or ask for it, where it is the one that was checked."""
    name, text = ask.form.get("name", ""), lines_of(ask.form.get("csv", ""))
    try:
        if ask.file is not None:
            name, text = ask.file.name, text_of(ask.file)
        if not text:
            return _shown(fault="Choose a file.")
        body = {"name": name, "csv": text}
        if ask.form.get("step") != "do" or ask.file is not None:
            return _shown(seen=await ask.api.post("/erasures", body, check=1), name=name, text=text)
        job = await ask.api.post("/erasures", {**body, "digest": ask.form.get("digest", "")})
    except UnicodeDecodeError:
        return _shown(fault=f"{name} is not UTF-8. Save it as “CSV UTF-8”.")
    except ApiRefused as error:
        if error.kind not in _REFUSED:
            raise
        return _shown(fault=error.fields.get("csv", error.message))
    return Elsewhere(f"/jobs/{job['number']}")


def _shown(*, seen: dict[str, Any] | None = None, name: str = "", text: str = "", fault: str = "") -> Shown:
    says = {"seen": seen, "name": name, "csv": text, "fault": fault}
    return Shown(template="erasures.html", says=says, status=422 if fault else 200)


PAGES = (choose_file, erase_many)

"""Corrections from a file: chosen, checked, and made by the button that says what the check said."""

from collections.abc import Callable
from typing import Any

from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Download, Elsewhere, Shown, Upload, page

_MODEL = (
    b"member_id,points,reason,note,adjustment_id\n"
    b"17850,50,ticket 48213: parcel came late,Sorry that your parcel came late,late-48213\n"
)
_REFUSED = frozenset({"invalid-input", "too-large", "conflict"})
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How Excel's own files begin, of today and of old."""


class _IsWorkbook(Exception):
    """A file is no text at all."""


@page("GET", "/corrections", "points:approve")
async def choose_file(_: Ask) -> Shown:
    """The form."""
    return _shown()


@page("GET", "/corrections/model.csv", "points:approve")
async def model_file(_: Ask) -> Download:
    """A file to begin with."""
    return Download("corrections.csv", _MODEL, "text/csv; charset=utf-8")


@page("POST", "/corrections", "points:approve", takes_file=True)
async def correct_many(ask: Ask) -> Shown | Elsewhere:
    """Say what the file does; or do it, where it is the one that was checked. The page carries the file along."""
    return await check_or_do(ask, "/corrections", _shown)


async def check_or_do(ask: Ask, to: str, shown: Callable[..., Shown]) -> Shown | Elsewhere:
    """Hand a form's file to a call: to be checked, or to be done where it is the one that was checked. `shown` makes
    the page of what was seen, of the file, and of what is wrong with it.
    """
    name, text = ask.form.get("name", ""), lines_of(ask.form.get("csv", ""))
    try:
        if ask.file is not None:
            name = ask.file.name
            text = text_of(ask.file)
        if not text:
            return shown(fault="Choose a file.")
        body = {"name": name, "csv": text}
        if ask.form.get("step") != "do" or ask.file is not None:
            return shown(seen=await ask.api.post(to, body, check=1), name=name, text=text)
        job = await ask.api.post(to, {**body, "digest": ask.form.get("digest", "")})
    except _IsWorkbook:
        return shown(fault=f"{name} is an Excel workbook, whatever its name says. Save it as “CSV UTF-8”.")
    except UnicodeDecodeError:
        return shown(fault=f"{name} is not UTF-8. Save it as “CSV UTF-8”.")
    except ApiRefused as error:
        if error.kind not in _REFUSED:
            raise
        return shown(fault=error.fields.get("csv", error.message))
    return Elsewhere(f"/jobs/{job['number']}")


def text_of(file: Upload) -> str:
    """What the file says, whatever a spreadsheet wrote it in. Raises `UnicodeDecodeError`, `_IsWorkbook`."""
    if file.content.startswith(_WORKBOOKS):
        raise _IsWorkbook
    coding = "utf-16" if file.content[:2] in _UTF16 else "utf-8-sig"
    return lines_of(file.content.decode(coding))


def lines_of(text: str) -> str:
    """With the line ends that it had before a form sent it back."""
    return text.replace("\r\n", "\n")


def _shown(*, seen: dict[str, Any] | None = None, **more: str) -> Shown:
    does = bool(seen and seen["checked"]["customers"] and seen["checked"]["before"] != seen["checked"]["rows"])
    return file_shown("corrections.html", seen, does_something=does, **more)


def file_shown(
    template: str,
    seen: dict[str, Any] | None,
    *,
    does_something: bool,
    name: str = "",
    text: str = "",
    fault: str = "",
) -> Shown:
    """The page of a file, of what was seen of it, and of what is wrong with it."""
    says = {"seen": seen, "does_something": does_something, "name": name, "csv": text, "fault": fault}
    return Shown(template=template, says=says, status=422 if fault else 200)


PAGES = (choose_file, model_file, correct_many)

"""The work list: documents that could not be awarded, each with what usually mends it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from laurels.console import words
from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.model.currencies import DECIMALS
from laurels.model.money import format_amount


@page("GET", "/work", "quarantine:write")
async def show_work(ask: Ask) -> Shown:
    """What waits for somebody, the oldest first."""
    after = ask.query.get("after", "0")
    found = await ask.api.get("/quarantine", after=after)
    documents = [
        {**one, "what": words.HITS.get(one["kind"], one["kind"]), "to": _to(one)} for one in found["documents"]
    ]
    did = {"retry": "It is being tried again.", "drop": "It was given up."}.get(ask.query.get("did", ""))
    older = f"/work?after={found['next']}" if found["next"] else None
    return Shown(
        template="work.html", says={"documents": documents, "newer": older, "did": did, "is_first": after == "0"}
    )


@page("GET", "/work/{kind:str}/{source:str}", "quarantine:write")
async def show_document(ask: Ask) -> Shown:
    """A document with what it says, and what may be done about it. Its id is in the query: it may hold a slash."""
    return _shown(await _document(ask, ask.query.get("id", "")), "")


@page("POST", "/work/{kind:str}/{source:str}", "quarantine:write")
async def decide(ask: Ask) -> Shown | Elsewhere:
    """Try a document again, or give it up with a reason."""
    id_ = ask.form.get("id", "")
    step = ask.form.get("step")
    if step == "retry":
        await ask.api.post(f"{_path(ask, id_)}/retry")
        return Elsewhere("/work?did=retry")
    reason = ask.form.get("reason", "").strip()
    if step != "drop" or not reason:
        return _shown(await _document(ask, id_), "Say why it is given up.")
    try:
        await ask.api.post(f"{_path(ask, id_)}/drop", {"reason": reason})
    except ApiRefused as error:
        if error.kind != "invalid-input":
            raise
        return _shown(await _document(ask, id_), error.message)
    return Elsewhere("/work?did=drop")


async def _document(ask: Ask, id_: str) -> dict[str, Any]:
    document: dict[str, Any] = await ask.api.get(_path(ask, id_))
    return document


def _shown(document: dict[str, Any], fault: str) -> Shown:
    fields = document["content"] if isinstance(document["content"], dict) else {}
    says = {
        "document": document,
        "what": words.HITS.get(document["kind"], document["kind"]),
        "fields": [(name, _said(name, value, fields)) for name, value in fields.items() if value not in (None, "", [])],
        "fault": fault,
    }
    return Shown(template="document.html", says=says, status=422 if fault else 200)


def _said(name: str, value: Any, fields: Mapping[str, Any]) -> Any:
    """A field as people read it: money in major units."""
    currency = fields.get("currency")
    if name in {"total", "amount"} and isinstance(value, int) and currency in DECIMALS:
        return words.money(format_amount(value, currency), currency)
    return value


def _to(document: dict[str, Any]) -> str:
    return f"/work/{document['kind']}/{quote(document['source'], safe='')}?{urlencode({'id': document['id']})}"


def _path(ask: Ask, id_: str) -> str:
    parts = (ask.path["kind"], ask.path["source"], id_)
    return "/quarantine/" + "/".join(quote(part, safe="") for part in parts)


PAGES = (show_work, show_document, decide)

"""The work list: documents that could not be awarded, each with what usually fixes it."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from laurels.console import formats, words
from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.texts import one_line
from laurels.model.currencies import DECIMALS
from laurels.model.money import format_amount

_DID = {
    "retry": "It is being tried again.",
    "drop": "It was given up.",
    "gone": "It waits here no more: somebody has decided already.",
}
_NOT_HERE = "It does not wait here: somebody has decided already, or the address is of another Laurels."


@page("GET", "/work", "quarantine:write")
async def show_work(ask: Ask) -> Shown:
    """What waits for somebody, the oldest first: all of it, or for one cause."""
    return await _listed(ask, ask.query, _DID.get(ask.query.get("did", "")))


async def _listed(ask: Ask, query: Mapping[str, str], did: str | None, status: int = 200) -> Shown:
    after, cause = query.get("after", "0"), query.get("reason", "")
    cause = cause if cause in words.CAUSES else ""
    kind = query.get("kind", "")
    kind = kind if kind in words.QUARANTINED else ""
    found, counted = await asyncio.gather(
        ask.api.get("/quarantine", after=after, cause=cause or None, kind=kind or None),
        ask.api.get("/quarantine/reasons"),
    )
    documents = [
        {**one, "what": words.HITS.get(one["kind"], one["kind"]), "to": _to(one)} for one in found["documents"]
    ]
    here = {name: value for name, value in (("reason", cause), ("kind", kind)) if value}
    says = {
        "documents": documents,
        "newer": f"/work?{urlencode({**here, 'after': found['next']})}" if found["next"] else None,
        "did": did,
        "is_first": after == "0",
        "cause": cause,
        "kind": kind,
        "causes": [{**each, "to": f"/work?{urlencode({'reason': each['cause']})}"} for each in counted["causes"]],
        "all_counted": counted["all"],
    }
    return Shown(template="work.html", says=says, status=status)


@page("POST", "/work/retry-all", "quarantine:write")
async def retry_all(ask: Ask) -> Elsewhere:
    """Try all again that wait for one cause, as a job."""
    cause = ask.form.get("cause", "")
    job = await ask.api.post("/jobs", {"kind": "retry", **({"cause": cause} if cause else {})})
    return Elsewhere(f"/jobs/{job['number']}")


@page("GET", "/work/{kind:str}", "quarantine:write")
async def show_document(ask: Ask) -> Shown:
    """A document with what it says, and what may be done about it. Its source and id are in the query: a queue's name
    may hold a slash, and so may an id. In place of one that does not wait the list of those that do is shown.
    """
    try:
        return _shown(ask, await ask.api.get(_path(ask, ask.query)))
    except ApiRefused as error:
        if error.kind != "not-found":
            raise
        return await _listed(ask, {}, _NOT_HERE, status=error.status)


@page("POST", "/work/{kind:str}", "quarantine:write")
async def decide(ask: Ask) -> Shown | Elsewhere:
    """Try a document again, or give it up with a reason. One that is here no more was decided on meanwhile, by this
    very form where it is sent twice.
    """
    path, step = _path(ask, ask.form), ask.form.get("step", "")
    reason = one_line(ask.form.get("reason", ""))
    try:
        if step != "retry" and not (step == "drop" and reason):
            return _shown(ask, await ask.api.get(path), drop_fault="Say why it is given up.")
        await ask.api.post(f"{path}/{step}", {"reason": reason} if step == "drop" else None)
    except ApiRefused as error:
        if error.kind == "not-found":
            return Elsewhere("/work?did=gone")
        if error.kind not in {"invalid-input", "conflict"}:
            raise
        return _shown(ask, await ask.api.get(path), **{f"{step}_fault": error.message})
    return Elsewhere(f"/work?did={step}")


def _shown(ask: Ask, document: dict[str, Any], *, retry_fault: str = "", drop_fault: str = "") -> Shown:
    fields = document["content"] if isinstance(document["content"], dict) else {}
    says = {
        "document": document,
        "what": words.HITS.get(document["kind"], document["kind"]),
        "remedy": words.REMEDIES.get(document["cause"], ""),
        "fields": [
            (name, _said(name, value, fields)) for name, value in fields.items() if _adds(document, name, value)
        ],
        "correct_to": _correct_to(ask, document),
        "retry_fault": retry_fault,
        "drop_fault": drop_fault,
    }
    return Shown(template="document.html", says=says, status=422 if retry_fault or drop_fault else 200)


def _correct_to(ask: Ask, document: Mapping[str, Any]) -> str | None:
    """Where the person gives by hand what a document cannot; the reason names the document."""
    if document["member"] is None or "points:adjust" not in ask.person.scopes:
        return None
    what = words.HITS.get(document["kind"], document["kind"]).lower()
    reason = f"for {what} {document['id']} of {document['source']}, which could not be awarded"
    return f"/customers/{document['member']}/correct?{urlencode({'reason': reason})}"


def _adds(document: Mapping[str, Any], name: str, value: Any) -> bool:
    """Whether a field says what does not stand on the page already."""
    is_told = (name == "source" and value == document["source"]) or (name == "order_id" and value == document["id"])
    return not is_told and value not in (None, "", [])


def _said(name: str, value: Any, fields: Mapping[str, Any]) -> Any:
    """A field as people read it: money in major units."""
    currency = fields.get("currency")
    if name in {"total", "amount"} and isinstance(value, int) and currency in DECIMALS:
        return formats.money(format_amount(value, currency), currency)
    return value


def _to(document: dict[str, Any]) -> str:
    return f"/work/{document['kind']}?{urlencode({'source': document['source'], 'id': document['id']})}"


def _path(ask: Ask, said: Mapping[str, str]) -> str:
    parts = (ask.path["kind"], said.get("source", ""), said.get("id", ""))
    return "/quarantine/" + "/".join(quote(part, safe="") for part in parts)


PAGES = (show_work, retry_all, show_document, decide)

"""Give back, cancel a refund, hide, show, rename: each a page that says what it does, and a button that repeats it."""

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from laurels.console import formats
from laurels.console.client import ApiRefused
from laurels.console.page import Ask, Elsewhere, Shown, page
from laurels.console.views.enrolled import enrolled_customer
from laurels.console.views.texts import NO_WHOLE_NUMBER, SENT_BEFORE, whole_number

_FAULTY, _CONFLICT = 422, 409


@page("GET", "/customers/{number:str}/give-back", "points:redeem")
async def ask_to_give_back(ask: Ask) -> Shown:
    """What giving spent points back does."""
    customer = await enrolled_customer(ask)
    return await _giving_back(ask, customer, {**ask.query, "key": secrets.token_urlsafe(12)})


@page("POST", "/customers/{number:str}/give-back", "points:redeem")
async def give_back(ask: Ask) -> Shown | Elsewhere:
    """Give spent points back, once for each page that was shown; another number of points is said anew first. What
    cannot be is said beside the form, which then says what can.
    """
    customer, form = await enrolled_customer(ask), ask.form
    points = whole_number(form.get("points", ""))
    if form.get("points", "").strip() and (points is None or points < 1):
        return await _giving_back(ask, customer, _anew(form), fault=f"{NO_WHOLE_NUMBER}.", status=_FAULTY)
    try:
        if form.get("step") != "do" or form.get("checked") != form.get("points"):
            return await _giving_back(ask, customer, form)
        done = await ask.api.post(_redemption_path(customer, form), _restoration(form))
    except ApiRefused as error:
        if error.kind != "conflict":
            raise
        return await _giving_back(ask, customer, _anew(form), fault=error.message, status=error.status)
    return Elsewhere(f"/customers/{customer['number']}?done={done['loyaltyId']}")


@page("GET", "/customers/{number:str}/cancel-refund", "orders:write")
async def ask_to_cancel_refund(ask: Ask) -> Shown:
    """What cancelling a refund does. Raises `ApiRefused` where the order has no such refund."""
    customer = await enrolled_customer(ask)
    refund, order, source = ask.query.get("refund", ""), ask.query.get("order", ""), ask.query.get("source", "shop")
    took = -(await ask.api.get(_refund_path(order, refund), source=source)).get("points", 0)
    return _shown(
        customer,
        title="Cancel a refund",
        first="This cannot be undone here. If the refund is right after all, it is sent again under another id.",
        lines=[
            f"Refund {refund} of order {order}, which took {formats.points_of(took)}, counts as if it had never been.",
            "The order is worth again what its other refunds leave: the points come back within moments.",
            "No message is sent.",
        ],
        button=f"Cancel refund {refund}",
        fields={"refund": refund, "order": order, "source": source},
    )


@page("POST", "/customers/{number:str}/cancel-refund", "orders:write")
async def cancel_refund(ask: Ask) -> Elsewhere:
    """Cancel a refund. The same again changes nothing."""
    customer = await enrolled_customer(ask)
    path = _refund_path(ask.form.get("order", ""), ask.form.get("refund", ""))
    await ask.api.post(f"{path}/cancel", source=ask.form.get("source", "shop"))
    return Elsewhere(f"/customers/{customer['number']}?did=cancel-refund")


@page("GET", "/customers/{number:str}/hide", "members:write")
async def ask_to_hide(ask: Ask) -> Shown:
    """What hiding does."""
    customer = await enrolled_customer(ask)
    return _shown(
        customer,
        title="Hide from boards",
        first="Undone by showing the customer again.",
        lines=[
            f"{customer['name']} leaves every board; those below move up.",
            "Points stay as they are, and go on being earned.",
        ],
        button=f"Hide {customer['member_id']} from boards",
    )


@page("POST", "/customers/{number:str}/hide", "members:write")
async def hide(ask: Ask) -> Elsewhere:
    """Hide the customer. The same again changes nothing."""
    return await _event(ask, "hide")


@page("GET", "/customers/{number:str}/show", "members:write")
async def ask_to_show(ask: Ask) -> Shown:
    """What showing does."""
    customer = await enrolled_customer(ask)
    return _shown(
        customer,
        title="Show on boards",
        first="Undone by hiding the customer again.",
        lines=[
            f"{customer['name']} takes the place on the boards that {formats.number(customer['score'])} points give."
        ],
        button=f"Show {customer['member_id']} on boards",
    )


@page("POST", "/customers/{number:str}/show", "members:write")
async def show(ask: Ask) -> Elsewhere:
    """Show the customer. The same again changes nothing."""
    return await _event(ask, "show")


@page("GET", "/customers/{number:str}/rename", "members:write")
async def ask_to_rename(ask: Ask) -> Shown:
    """What another name does."""
    customer = await enrolled_customer(ask)
    return _shown(
        customer,
        title="Another name on boards",
        first="This cannot be undone: the name given up is never given again.",
        lines=[f"{customer['name']} is called otherwise from now on. The new name is drawn; nobody chooses it."],
        button=f"Give {customer['member_id']} another name",
        fields={"name": customer["name"]},
    )


@page("POST", "/customers/{number:str}/rename", "members:write")
async def rename(ask: Ask) -> Elsewhere:
    """Give another name, unless the one that the page showed was given up meanwhile."""
    customer = await enrolled_customer(ask)
    await ask.api.post(f"/members/{quote(customer['member_id'], safe='')}/rename", name=ask.form.get("name", ""))
    return Elsewhere(f"/customers/{customer['number']}?did=rename")


async def _event(ask: Ask, event: str) -> Elsewhere:
    customer = await enrolled_customer(ask)
    await ask.api.post(f"/members/{quote(customer['member_id'], safe='')}/{event}")
    return Elsewhere(f"/customers/{customer['number']}?did={event}")


def _anew(form: Mapping[str, str]) -> dict[str, str]:
    """The form as it is opened, for all that is left."""
    return {**form, "points": "", "key": secrets.token_urlsafe(12)}


async def _giving_back(
    ask: Ask, customer: Mapping[str, Any], form: Mapping[str, str], *, fault: str = "", status: int = 200
) -> Shown:
    effect = (await ask.api.post(_redemption_path(customer, form), _restoration(form), check=1))["effect"]
    points = effect["points"]
    if not points:  # it is there, so the same again gives nothing
        return await _giving_back(ask, customer, _anew(form), fault=SENT_BEFORE, status=_CONFLICT)
    return _shown(
        customer,
        title="Give points back",
        first="Undone only by spending them again.",
        lines=[
            f"Of redemption {form.get('redemption', '')}, {formats.points_of(points)} come back.",
            f"To spend: {formats.number(effect['available'])} → {formats.number(effect['available_after'])} points.",
            "No board moves, and no message is sent.",
        ],
        button=f"Give {formats.points_of(points)} back to {customer['member_id']}",
        fields={
            "redemption": form.get("redemption", ""),
            "source": form.get("source", "shop"),
            "key": form.get("key", ""),
            "checked": str(points),
        },
        points=points,
        fault=fault,
        status=status,
    )


def _restoration(form: Mapping[str, str]) -> dict[str, Any]:
    points = whole_number(form.get("points", ""))
    chosen = {} if points is None else {"points": points}
    return {"source": form.get("source", "shop"), "cancel_id": f"console-{form.get('key', '')}", **chosen}


def _refund_path(order: str, refund: str) -> str:
    return f"/order/{quote(order, safe='')}/refund/{quote(refund, safe='')}"


def _redemption_path(customer: Mapping[str, Any], form: Mapping[str, str]) -> str:
    member, redemption = quote(customer["member_id"], safe=""), quote(form.get("redemption", ""), safe="")
    return f"/loyalty/{member}/redeem/{redemption}/cancel"


def _shown(
    customer: Mapping[str, Any],
    *,
    title: str,
    first: str,
    lines: list[str],
    button: str,
    fields: Mapping[str, str] | None = None,
    points: int | None = None,
    fault: str = "",
    status: int = 200,
) -> Shown:
    says = {
        "customer": customer,
        "title": title,
        "first": first,
        "lines": lines,
        "button": button,
        "fields": fields or {},
        "points": points,
        "fault": fault,
    }
    return Shown(template="change.html", says=says, status=status)


PAGES = (
    ask_to_give_back,
    give_back,
    ask_to_cancel_refund,
    cancel_refund,
    ask_to_hide,
    hide,
    ask_to_show,
    show,
    ask_to_rename,
    rename,
)

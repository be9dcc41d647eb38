"""The customer that a change is about."""

from typing import Any

from laurels.console.client import ApiRefused
from laurels.console.page import Ask


async def enrolled_customer(ask: Ask) -> dict[str, Any]:
    """The customer whose number is in the address. Raises `ApiRefused` for one who was erased, or became another."""
    customer: dict[str, Any] = await ask.api.get(f"/members/number/{ask.path['number']}")
    if customer["state"] == "merged":
        said = f"This customer became number {customer['merged_into']}. Nothing can be changed here: look at that one."
        raise ApiRefused(409, "conflict", said, "", {})
    if customer["state"] != "enrolled":
        raise ApiRefused(409, "conflict", f"This customer is {customer['state']}. Nothing can be changed.", "", {})
    return customer

"""Documents read back from a ledger's inbox."""

from typing import TypeVar

import msgspec

from laurels.errors import Refused
from laurels.ledger import Item, OrderKey
from laurels.ledger.quarantine import UNREADABLE

T = TypeVar("T")


def read(decoder: "msgspec.json.Decoder[T]", item: Item) -> T:
    """What an item says. Raises `Refused` where it cannot be read."""
    try:
        return decoder.decode(item.content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"{UNREADABLE}: {error}") from error


def whose(item: Item) -> int:
    """The member of an item. Raises `Refused` while it is unknown."""
    if item.member is None:
        raise Refused("the member is not enrolled")
    return item.member


def order_named(item: Item) -> OrderKey:
    """The order that an item names."""
    assert item.order_key is not None, "an item of this kind names its order"
    return item.order_key

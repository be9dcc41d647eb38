"""The ledger goes away between the two halves of a call: whoever asked is not told that nothing was accepted."""

from typing import Any

import pytest

from laurels.errors import LedgerUnavailable, LedgerUncertain
from laurels.intake import Intake
from laurels.intake.messages import retry_quarantined
from laurels.model import Adjustment, DocumentKind, RefusedMessage
from laurels.points import Points
from laurels.testing.ledger_contract.base import Shop

pytestmark = pytest.mark.anyio

MESSAGE = b'{"kind": "order", "order_id": "A1", "member_id": "ann", "currency": "GBP", "total": "25.00"}'


class Away:
    """A ledger that is there, but for one call."""

    def __init__(self, ledger: Any, call: str) -> None:
        self._ledger = ledger
        self._call = call

    def __getattr__(self, name: str) -> Any:
        return self._gone if name == self._call else getattr(self._ledger, name)

    async def _gone(self, *_: object, **__: object) -> None:
        raise LedgerUnavailable


def correction(id: str, points: int) -> Adjustment:
    return Adjustment(id=id, points=points, actor="till", reason="", member_id="ann")


async def test_corrections_that_went_in_beside_a_conflict_that_could_not_be_looked_at(shop: Shop) -> None:
    points = Points(shop.awarder, shop.ledger)
    await points.adjust(correction("J1", 1))
    away: Any = Away(shop.ledger, "document")
    with pytest.raises(LedgerUncertain):
        await Points(shop.awarder, away).adjust_all([correction("J1", 9), correction("J2", 2)])
    assert (await shop.balance("ann")).balance == 3
    with pytest.raises(LedgerUnavailable) as raised:
        await Points(shop.awarder, away).adjust(correction("J1", 9))
    assert type(raised.value) is LedgerUnavailable, "of that nothing is in"


async def test_a_message_that_was_taken_and_did_not_leave(shop: Shop) -> None:
    await shop.ledger.set_aside([RefusedMessage(origin="queue:q", body=MESSAGE, reason="because")])
    [waiting] = await shop.ledger.quarantine()
    key, intake = (DocumentKind.MESSAGE, waiting.source, waiting.id), Intake(shop.ledger)
    away: Any = Away(shop.ledger, "drop")
    with pytest.raises(LedgerUncertain):
        await retry_quarantined(away, intake, *key, now=shop.now())
    await shop.award()
    assert (await shop.balance("ann")).balance == 3
    await retry_quarantined(shop.ledger, intake, *key, now=shop.now())
    assert await shop.ledger.quarantine() == []
    await shop.award()
    assert (await shop.balance("ann")).balance == 3

"""What every ledger must do, as tests. An engine keeps the port's promises when a subclass of this passes.

    class TestMyLedger(LedgerContract):
        @pytest.fixture
        def open_ledger(self, tmp_path: Path) -> OpenLedger:
            async def open_it(now: Clock) -> Ledger:
                return await MyLedger.open(tmp_path, now)

            return open_it

The tests are asyncio coroutines, run by anyio's pytest plugin: let a fixture `anyio_backend` give "asyncio". They know
no rule of the program but the default one, and nothing about shards but that `heads` names each of them.
"""

from laurels.testing.ledger_contract.accepting import Accepting, Enrolling
from laurels.testing.ledger_contract.amending import Amending
from laurels.testing.ledger_contract.auditing import Auditing, Casework
from laurels.testing.ledger_contract.awarding import Awarding, Keeping, Poison, Publishing
from laurels.testing.ledger_contract.base import OpenLedger
from laurels.testing.ledger_contract.counting import Counting
from laurels.testing.ledger_contract.feed import Following, Waking
from laurels.testing.ledger_contract.followers import Followers
from laurels.testing.ledger_contract.jobs import Jobs
from laurels.testing.ledger_contract.lapsing import Lapsing
from laurels.testing.ledger_contract.members import Erasing, Members
from laurels.testing.ledger_contract.merging import Merging
from laurels.testing.ledger_contract.messages import Messages
from laurels.testing.ledger_contract.people import Mails, NamesAndEpochs, People
from laurels.testing.ledger_contract.programs import Approving
from laurels.testing.ledger_contract.quarantine import Quarantine
from laurels.testing.ledger_contract.refunds import Cancellations, RefundsOfOrders, RefundsWithoutOrder
from laurels.testing.ledger_contract.rolling_up import RollUps
from laurels.testing.ledger_contract.settling import Settling
from laurels.testing.ledger_contract.sharing import Sharing
from laurels.testing.ledger_contract.walking import Walking

__all__ = ["LedgerContract", "OpenLedger"]


class LedgerContract(
    Accepting,
    Enrolling,
    Awarding,
    Poison,
    Keeping,
    Publishing,
    Approving,
    RefundsOfOrders,
    RefundsWithoutOrder,
    Cancellations,
    Amending,
    Settling,
    Lapsing,
    Sharing,
    Members,
    Erasing,
    Merging,
    Messages,
    People,
    Mails,
    NamesAndEpochs,
    Quarantine,
    Counting,
    Followers,
    RollUps,
    Jobs,
    Following,
    Waking,
    Walking,
    Auditing,
    Casework,
):
    """Subclass it, override the fixture `open_ledger`, and let pytest collect the subclass."""

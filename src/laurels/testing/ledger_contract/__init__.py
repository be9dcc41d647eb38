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

from laurels.testing.ledger_contract.accepting import AcceptingTests, EnrollingTests
from laurels.testing.ledger_contract.amending import AmendingTests
from laurels.testing.ledger_contract.auditing import AuditingTests, CaseworkTests
from laurels.testing.ledger_contract.awarding import AwardingTests, KeepingTests, PoisonTests, PublishingTests
from laurels.testing.ledger_contract.base import OpenLedger
from laurels.testing.ledger_contract.counting import CountingTests
from laurels.testing.ledger_contract.feed import FollowingTests, WakingTests
from laurels.testing.ledger_contract.followers import FollowersTests
from laurels.testing.ledger_contract.jobs import JobsTests
from laurels.testing.ledger_contract.lapsing import LapsingTests
from laurels.testing.ledger_contract.members import ErasingTests, MembersTests
from laurels.testing.ledger_contract.merging import MergedMembersTests
from laurels.testing.ledger_contract.messages import MessagesTests
from laurels.testing.ledger_contract.people import MailsTests, NamesAndEpochsTests, PeopleTests
from laurels.testing.ledger_contract.programs import ApprovingTests
from laurels.testing.ledger_contract.quarantine import QuarantineTests
from laurels.testing.ledger_contract.refunds import CancellationsTests, RefundsOfOrdersTests, RefundsWithoutOrderTests
from laurels.testing.ledger_contract.rolling_up import RollUpsTests
from laurels.testing.ledger_contract.settling import SettlingTests
from laurels.testing.ledger_contract.sharing import SharingTests
from laurels.testing.ledger_contract.walking import WalkingTests

__all__ = ["LedgerContract", "OpenLedger"]


class LedgerContract(
    AcceptingTests,
    EnrollingTests,
    AwardingTests,
    PoisonTests,
    KeepingTests,
    PublishingTests,
    ApprovingTests,
    RefundsOfOrdersTests,
    RefundsWithoutOrderTests,
    CancellationsTests,
    AmendingTests,
    SettlingTests,
    LapsingTests,
    SharingTests,
    MembersTests,
    ErasingTests,
    MergedMembersTests,
    MessagesTests,
    PeopleTests,
    MailsTests,
    NamesAndEpochsTests,
    QuarantineTests,
    CountingTests,
    FollowersTests,
    RollUpsTests,
    JobsTests,
    FollowingTests,
    WakingTests,
    WalkingTests,
    AuditingTests,
    CaseworkTests,
):
    """Subclass it, override the fixture `open_ledger`, and let pytest collect the subclass."""

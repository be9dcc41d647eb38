"""A small ledger with something in every table, and all that can be found wrong with it."""

from pathlib import Path

import msgspec

from laurels.awarding import Awarder, published_programs, published_recount, verify_again, verify_in_depth
from laurels.awarding.keeping import Attributes
from laurels.awarding.looking import members_at
from laurels.checkout.intents import SOURCE, IntentStore
from laurels.checkout.payments import Declined, Paid
from laurels.clock import DAY
from laurels.ledger import Act, Finding, Ledger
from laurels.ledger.checking import look_further
from laurels.ledger.jobs import JobEnd, JobState, NewJob
from laurels.model import Adjustment, MemberEvent, Order, Restoration
from laurels.model.lines import Line, Traits
from laurels.model.spending import Hold, Transfer
from laurels.rollups import Days, RollingUp, look_at_due, roll_up_findings
from laurels.testing.intents_contract import intent_for
from laurels.testing.ledger_contract.base import Shop, adjustment, order, redemption, refund

PAGE = Path(__file__).parents[2] / "docs/reference/what-verify-sees.md"

SIMPLE = """
version = 1
time_zone = "Europe/London"
earn = { points = 1, per = { GBP = "10.00" } }
milestones = [ { name = "hundred", above = 100 } ]
"""
DEEP = """
version = 2
time_zone = "Europe/London"
rates = [ { name = "all", points = 1, per = { GBP = "10.00" } } ]
rounding = { to = "carry" }
milestones = [ { name = "hundred", above = 100 } ]
campaigns = [ { name = "home", match = { category = ["home"] }, multiply = "2", budget = 500, caps = { month = 40 } } ]
expiry = { kind = "after-months", months = 2, remind_days = [20] }
pending = { days = 5 }
tiers = { levels = [ { name = "blue", reach = 0 }, { name = "gold", reach = 10, multiply = "1.5" } ] }
"""


async def live(shop: Shop, intents: IntentStore) -> None:
    """Two versions and a draft, members of every kind, documents wherever they can lie, and what others keep."""
    ledger, clock = shop.ledger, shop.now
    await shop.adopt(SIMPLE)
    await ledger.enrol([("ann", "ann@example.com"), ("eve", None), ("bob", None), ("cid", None)], actor="clerk")
    await shop.sell(order("A1", "ann", "1100.00"), order("B1", "bob", "14.00"), refund("R1", "ann", "5.00", "A1"))
    clock.at += 40 * DAY
    await shop.adopt(DEEP)
    await ledger.set_attributes("ann", Attributes(birthday="02-03", segments=("vip",)).encode())
    await shop.sell(_lines("A2", "ann"), _lines("B2", "bob"), _lines("C2", "cid"), refund("R2", "ann", "7.00", "A2"))
    clock.at += 10 * DAY
    await shop.awarder.sweep()
    await shop.sell(_lines("A3", "ann"), order("D1", "dee", "20.00"), refund("R3", "bob", "10.00"))
    for document in (
        adjustment("J1", "ann", 1234),
        Adjustment(
            id="J2", member_id="bob", points=50, actor="clerk", note="sorry", expires_at=clock.at + 9 * DAY
        ).document(),
        redemption("S1", "ann", 9),
        Restoration(source="shop", cancel_id="C1", redemption_id="S1", points=4, member_id="ann").document(),
        Hold(source="till", hold_id="H1", points=11, minutes=600, member_id="ann").document(),
        Transfer(source="shop", transfer_id="T1", to=await shop.number("ann"), points=5, member_id="bob").document(),
    ):
        await shop.awarder.settle(document)
    await shop.award()
    await ledger.change_member("bob", MemberEvent.RENAME, actor="clerk")
    await ledger.change_member("dee", MemberEvent.ERASE, actor="clerk")
    await shop.awarder.merge("cid", "ann", actor="clerk")
    await ledger.begin_epoch()
    await _keep_work(shop, intents)
    await shop.accept(
        refund("R4", "ann", "5.00", "A9"),
        order("A4", "bob", "100", currency="JPY"),
        order("A5", "bob", "9.00", currency="USD"),
    )
    await shop.award()
    [first, *_] = await ledger.quarantine()
    await ledger.drop(first.kind, first.source, first.id, actor="clerk", why="a mistake")
    clock.at += 30 * DAY
    while await shop.awarder.sweep():
        pass
    await shop.sell(_lines("B3", "bob"))
    await RollingUp(ledger, shop.programs.current.zone).reach()
    seen = members_at(ledger, shop.programs, clock.at)
    await look_at_due(ledger, clock.at, seen, Days(shop.programs.current.zone))
    await shop.accept(order("A6", "ann", "10.00"))


async def _keep_work(shop: Shop, intents: IntentStore) -> None:
    """What people and processes do beside: drafts, jobs, looks at customers, purchases, a target of events."""
    ledger, clock = shop.ledger, shop.now
    text = DEEP.replace("version = 2", "version = 3")
    draft = await ledger.submit(3, text, actor="niamh")
    await ledger.keep_rehearsal(draft.digest, "r" * 64, '{"gain": 1}', actor="niamh")
    await ledger.approve(draft.digest, clock.at + 300 * DAY, actor="omar", by_another=True, rehearsal="r" * 64)
    await ledger.submit(4, text.replace("version = 3", "version = 4"), actor="niamh")
    shop.programs = await published_programs(ledger)
    shop.awarder = Awarder(ledger, shop.programs, clock)
    for number, file in ((1, b"rows"), (2, None)):
        await ledger.add_job(
            NewJob(kind="export", actor="niamh", digest=f"d{number}", about=b"{}", total=3, content=b"c")
        )
        taken = await ledger.take_job("me")
        assert taken is not None
        await ledger.note_job(taken.number, taken.fence, done=2, total=3, tally=b"{}", part=b"one")
        if file:
            await ledger.end_job(
                taken.number, taken.fence, JobEnd(state=JobState.DONE, done=3, total=3, tally=b"{}", file=file)
            )
    for order_id, paid in (("I1", None), ("I2", Paid("pay-1")), ("I3", Declined("declined"))):
        bought = order(order_id, "ann", "10.00", source=SOURCE, occurred_at=clock.at)
        await intents.begin(intent_for(bought))
        if paid is not None:
            await intents.settle(order_id, paid)
    for member in range(3):
        await ledger.record(Act(sub="niamh", name="Niamh Byrne", roles="support", action="show", member=member))
    heads = await ledger.heads()
    await ledger.follow("https://a.example", "one", lease_s=60)
    await ledger.followed("https://a.example", "one", heads.marks)


async def all_findings(ledger: Ledger, now: int) -> list[Finding]:
    """What `laurels verify --replay` says but for the board, up to the first look that finds something."""
    recount = await published_recount(ledger)
    found = [finding async for step in ledger.verify(recount) for finding in step.findings]
    programs = await published_programs(ledger)
    for look in (
        verify_in_depth(ledger, programs),
        roll_up_findings(ledger, programs.current.zone),
        verify_again(ledger, programs, now),
    ):
        if not found:
            await look_further(found, look)
    return found


def listed(engine: str) -> set[str]:
    """The values of an engine that the page says are not looked at, by table and column."""
    rows = [line.split("|")[1:-1] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    column = {"sqlite": 0, "postgres": 1}[engine]
    return {name.strip(" `") for row in rows for name in row[column].split(",") if name.strip(" `-")}


def _lines(order_id: str, member_id: str) -> Order:
    lines = (Line("s1", 1_000_000, 37_5000_00), Line("s2", 2_000_000, 20_0000_00))
    bought = order(order_id, member_id, "77.50")
    return msgspec.structs.replace(bought, lines=lines, traits=(Traits("home"), Traits("food")))

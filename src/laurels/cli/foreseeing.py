"""What would come of an import: the programs in force judge its documents, and nothing is written."""

from collections.abc import Iterable

from laurels import clock
from laurels.awarding import Programs, basket_of, goods_of
from laurels.cli.bringing_in import Imported
from laurels.errors import LedgerMissing, Refused
from laurels.model import Order, Refund
from laurels.program import NEW, evaluate
from laurels.settings import Settings
from laurels.wiring import read_ledger, read_program
from laurels.wiring.ledgers import check_there


async def foresee(settings: Settings, documents: Iterable[Order | Refund]) -> Imported:
    """Counts the documents, and the reasons for which some would lie in quarantine. A refund that names its order
    is not judged: that follows from the order.
    """
    programs, now, imported = await _in_force(settings), clock.now(), Imported()
    for document in documents:
        at = now if document.occurred_at is None else document.occurred_at
        program = programs.at(at)
        try:
            if isinstance(document, Order):
                imported.orders += 1
                evaluate(program, basket_of(document, at), NEW, now=now, in_force=programs.at(now))
            else:
                imported.refunds += 1
                if document.order_id is None:
                    evaluate(program, goods_of(document, at), NEW, now=now, in_force=programs.at(now))
        except Refused as refused:
            imported.reasons[refused.message] += 1
    return imported


async def _in_force(settings: Settings) -> Programs:
    """The published programs, or the configured one where nothing was published yet."""
    programs = Programs.of(read_program(settings))
    try:
        await check_there(settings)
    except LedgerMissing:
        return programs
    bundle = await read_ledger(settings, clock.now)
    try:
        if await bundle.ledger.programs():
            await programs.load(bundle.ledger)
    finally:
        await bundle.close()
    return programs

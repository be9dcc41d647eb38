"""All that a ledger's verification finds, for tests of any engine."""

from laurels.awarding import published_programs, published_recount, verify_in_depth
from laurels.ledger import Finding, Ledger
from laurels.ledger.checking import look_further


async def findings_of(ledger: Ledger) -> list[Finding]:
    """Check everything that can be read off a ledger, with what the published programs count again."""
    recount = await published_recount(ledger)
    findings = [finding async for step in ledger.verify(recount) for finding in step.findings]
    if recount is not None:
        programs = await published_programs(ledger)
        await look_further(findings, verify_in_depth(ledger, programs))
    return findings

"""The program in force beside every version that was ever published: refunds are judged by their order's."""

from collections.abc import Mapping

from msgspec import Struct

from laurels.ledger import Ledger
from laurels.program import Program, parse_program


class Programs(Struct, frozen=True):
    """The program in force, and every version that was ever published."""

    current: Program
    published: Mapping[int, Program]


async def publish(ledger: Ledger, program: Program) -> Programs:
    """Put a program in force, publishing it where it is new, and load every published version.

    Raises `ProgramError` where its version is published with other rules.
    """
    published = await ledger.publish(program.version, program.text)
    return Programs(program, {version: parse_program(text) for version, text in published.items()})

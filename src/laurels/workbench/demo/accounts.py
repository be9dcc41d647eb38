"""Who can be signed in at the demo shop: five customers who see five different things; and the rules they earn by."""

from pathlib import Path

from msgspec import Struct

PROGRAM = Path(__file__).parent / "program.toml"
"""The program that the demo begins with, unless `program.file` names another."""


class DemoAccount(Struct, frozen=True, kw_only=True):
    """A customer with a story. `spent` are the totals of earlier orders, in pence."""

    member_id: str
    name: str
    about: str
    spent: tuple[int, ...] = ()
    hidden: bool = False

    @property
    def email(self) -> str:
        """Where milestones are mailed to; the domain is reserved for examples."""
        return f"{self.member_id}@mail.example"


ACCOUNTS = (
    DemoAccount(member_id="niamh", name="Niamh Byrne", about="just below 100 points", spent=(41_250, 23_799, 32_980)),
    DemoAccount(member_id="rose", name="Rose Alder", about="near the top", spent=(512_400, 299_850, 400_025, 216_910)),
    DemoAccount(member_id="tom", name="Tom Reed", about="a regular", spent=(9_999, 84_310, 61_875)),
    DemoAccount(member_id="ada", name="Ada Quinn", about="has not ordered yet"),
    DemoAccount(
        member_id="sam", name="Sam Okafor", about="hidden from the board", spent=(190_500, 221_745), hidden=True
    ),
)
"""The first is signed in to begin with. Whoever is ranked has more points than those who come in after the shop is
open, so that nobody's place slides while the history fills.
"""

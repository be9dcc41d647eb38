"""What is kept of each line after refunds that name none: exact shares of what is left, never cut in pennies anew."""

import random
from fractions import Fraction

from laurels.program import Frame, Refunded


def kept(net: tuple[int, ...], other: int) -> list[Fraction]:
    frame = Frame(version=1, currency="GBP", at=0, active_at=0, expires_at=0, net=net)
    numerators, over = Refunded(other=other).kept(frame)
    return [Fraction(each, over) for each in numerators]


def test_a_larger_refund_gives_no_line_anything_back() -> None:
    """Lines of 3, 3 and 1 pence: cut in pennies by largest remainder, a refund of 3 takes the last line, and one of 4
    gives it back.
    """
    assert kept((3, 3, 1), 3) == [Fraction(12, 7), Fraction(12, 7), Fraction(4, 7)]
    assert kept((3, 3, 1), 4) == [Fraction(9, 7), Fraction(9, 7), Fraction(3, 7)]
    rng = random.Random(7)
    for _ in range(500):
        net = tuple(rng.randint(0, 9) for _ in range(rng.randint(1, 5)))
        shares = [kept(net, other) for other in range(sum(net) + 1)]
        for other, share in enumerate(shares):
            assert sum(share) == sum(net) - other
        for line in range(len(net)):
            of_line = [share[line] for share in shares]
            assert of_line == sorted(of_line, reverse=True)

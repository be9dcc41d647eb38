"""What members are shown for a version: nothing to read, nothing to count by, and nothing to make up."""

from base64 import urlsafe_b64decode
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engines import NoLedger

from laurels.dashboard import Seal, Versions
from laurels.dashboard.names import PUBLISHED_KEY
from laurels.dashboard.versions import SEALED_LONG, WIDTH
from laurels.errors import InvalidInput
from laurels.leaderboard import View
from laurels.ledger import Heads
from laurels.model import Mark, Version

pytestmark = pytest.mark.anyio
SEAL = Seal(PUBLISHED_KEY)
versions = st.builds(
    Version,
    st.integers(1, 127),
    st.dictionaries(st.integers(0, 15), st.integers(1, 2**40 - 1), max_size=16),
)


def view(version: Version, confirmed_at: int = 0) -> View:
    return View(version=version, confirmed_at=confirmed_at, ranked=0, top=[], me=None, around=[])


@given(a=versions, b=versions)
def test_all_are_equally_long_and_have_nothing_in_common(a: Version, b: Version) -> None:
    one, other = SEAL.token(a), SEAL.token(b)
    assert len(one) == len(other) == SEALED_LONG
    assert (one == other) == (a == b)
    assert SEAL.open(one, "as_of") == a
    assert SEAL.seal(a.packed(WIDTH)) == one, "each engine makes the same"


def test_those_of_sixteen_shards_are_as_short_as_is_said() -> None:
    """Far in the history of a ledger as large as can be: a trillion entries a shard, all different."""
    version = Version(127, {shard: 2**40 - 1 - shard for shard in range(16)})
    assert len(SEAL.token(version)) <= 140
    assert SEAL.open(SEAL.token(version), "as_of") == Version.parse(str(version)) == version


def test_versions_that_follow_each_other_differ_as_any_two_do() -> None:
    tokens = [SEAL.token(Version(1, {0: position})) for position in range(1, 400)]
    assert len(set(tokens)) == len(tokens)
    sealed = [urlsafe_b64decode(token[1:] + "=") for token in tokens]
    differing = [
        sum((x ^ y).bit_count() for x, y in zip(one, other, strict=True)) / (8 * len(one))
        for one, other in pairwise(sealed)
    ]
    # 832 bits, each another one with an even chance: the mean of 398 pairs is within 0.005 of a half.
    assert abs(sum(differing) / len(differing) - 0.5) < 0.005
    assert min(differing) > 0.4
    assert {len(token) for token in tokens} == {SEALED_LONG}


def test_the_token_is_the_same_on_every_host_and_another_one_under_another_key() -> None:
    version = Version(1, {0: 4711})
    assert SEAL.token(version) == Seal(PUBLISHED_KEY).token(version) != Seal(bytes(32)).token(version)
    assert SEAL.token(version) == (
        "sIQySD-Cu28EqPpLDa8i35YUQX5hMgIr9Qo_3NCOkjlLXW-pYpOFVYE-9ICnaoh5S9v9yq"
        "kteQWaajOElkbtxyL1i2-XHxTLoO1OQhJwH4SUuD9PsFvt9qI78ulBdplfJJJ_KygxerbE"
    )


@given(version=versions, at=st.integers(0, SEALED_LONG - 1), by=st.characters(codec="ascii"))
def test_one_that_was_changed_is_refused(version: Version, at: int, by: str) -> None:
    token = SEAL.token(version)
    changed = token[:at] + by + token[at + 1 :]
    if changed != token:
        for is_member in (True, False):
            with pytest.raises(InvalidInput, match="min_version: must be an `as_of` from an earlier answer"):
                Versions(SEAL, NoLedger()).read(changed, by_member=is_member)


@pytest.mark.parametrize("text", ["s", "s" + "A" * 139, "sA", "s=", "s" + "A" * 6000, "sé", "s\0"])
def test_one_that_was_made_up_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Versions(SEAL, NoLedger()).read(text, by_member=True)


async def test_a_plain_one_in_a_members_hand_tells_nothing_of_how_long_the_feed_is() -> None:
    """Whatever number a member tries, the answer is the same: it depends on when the board was confirmed alone."""
    told, shown = Versions(SEAL, NoLedger()), Version(1, {0: 4711})
    for text in ("1.", "1.0-1", "1.0-4711", "1.0-4712", "1.0-999999999999", str(Version(1, {0: 9, 1: 9}))):
        wanted = told.read(text, by_member=True)
        assert not await told.includes(view(shown, confirmed_at=99), wanted, asked_at=100)
        assert await told.includes(view(shown, confirmed_at=100), wanted, asked_at=100)
        of_service = told.read(text, by_member=False)
        assert await told.includes(view(shown), of_service, asked_at=100) == shown.includes(Version.parse(text))
    assert not await told.includes(view(shown, 100), told.read("2.0-1", by_member=True), asked_at=100)


class Counted:
    """Epochs: the second began at 100, the third at 150. Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.epoch = 3

    async def heads(self) -> Heads:
        """Where they began."""
        self.asked += 1
        began: Mapping[int, dict[int, Mark]] = {2: {0: Mark(100)}, 3: {0: Mark(150)}}
        return Heads(identity="ledger", epoch=self.epoch, marks={0: Mark(200)}, began=dict(began))


async def test_of_an_earlier_epoch_it_has_what_was_there_when_the_next_one_began() -> None:
    ledger = Counted()
    told = Versions(SEAL, ledger)
    for epoch, position, is_there in ((1, 100, True), (1, 101, False), (2, 150, True), (2, 151, False), (3, 200, True)):
        for text in (SEAL.token(Version(epoch, {0: position})), str(Version(epoch, {0: position}))):
            wanted = told.read(text, by_member=False)
            assert await told.includes(view(Version(3, {0: 200})), wanted, asked_at=0) == is_there, text
    assert ledger.asked == 1
    wanted = Versions(SEAL, NoLedger()).read("1.0-1", by_member=False)
    assert not await Versions(SEAL, NoLedger()).includes(view(Version(2, {0: 9})), wanted, asked_at=0), "nobody knows"

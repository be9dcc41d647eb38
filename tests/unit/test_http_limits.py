"""Quotas, on a clock that is turned by hand."""

import os
from random import Random, SystemRandom

import pytest

from laurels.clock import DAY, MINUTE, SECOND
from laurels.errors import TooManyRequests
from laurels.http import limits
from laurels.http.limits import FAILURES_PER_MINUTE, RENAMES_PER_DAY, Limits, Quota

START = 1_793_530_800_000_000


class TurnedClock:
    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def now() -> TurnedClock:
    return TurnedClock()


def test_a_burst_uses_the_quota_up_and_time_gives_it_back(now: TurnedClock) -> None:
    quota = Quota("member", 6, MINUTE, now)
    assert [quota.take("ann").requests for _ in range(6)] == [5, 4, 3, 2, 1, 0]
    refused = quota.take("ann")
    assert (refused.wait, refused.retry_after_s) == (10 * SECOND, 10)
    assert refused.header == b'"member";r=0;t=10'
    now.at += 9 * SECOND
    assert quota.take("ann").retry_after_s == 1
    now.at += SECOND
    assert (quota.take("ann").wait, quota.take("ann").retry_after_s) == (0, 10)
    now.at += DAY
    assert quota.take("ann").requests == 5


def test_the_header_says_what_is_left(now: TurnedClock) -> None:
    quota = Quota("member", 6, MINUTE, now)
    assert quota.take("ann").header == b'"member";r=5;t=10'
    assert quota.take("ann").header == b'"member";r=4;t=20'


def test_keys_do_not_share(now: TurnedClock) -> None:
    quota = Quota("member", 1, MINUTE, now)
    assert [quota.take(key).wait for key in ("ann", "bob", "ann")] == [0, 0, MINUTE]


def test_a_refusal_costs_nothing(now: TurnedClock) -> None:
    quota = Quota("member", 1, MINUTE, now)
    quota.take("ann")
    for _ in range(100):
        assert quota.take("ann").wait == MINUTE
    now.at += MINUTE
    assert quota.take("ann").wait == 0


def test_a_clock_that_is_set_back_locks_nobody_out(now: TurnedClock) -> None:
    quota = Quota("member", 2, MINUTE, now)
    now.at += DAY
    quota.take("ann")
    now.at -= DAY
    assert quota.take("ann").requests == 1


def test_it_never_grants_more_than_the_quota_in_any_period(now: TurnedClock) -> None:
    """Beside a list of what was granted: in any period, at most the quota twice (a whole burst, and what came back)."""
    seed = int(os.environ.get("LAURELS_TEST_SEED") or SystemRandom().getrandbits(32))
    print(f"LAURELS_TEST_SEED={seed} repeats this")
    dice = Random(seed)
    for requests in (1, 2, 7, 60, 600):
        quota, granted = Quota("member", requests, MINUTE, now), []
        for _ in range(3 * requests + 50):
            now.at += dice.choice([0, 0, 1, dice.randrange(SECOND), dice.randrange(MINUTE)])
            left = quota.take("ann")
            if left.wait:
                now.at += left.wait - 1
                assert quota.take("ann").wait == 1, "refused until the very instant"
                now.at += 1
                assert quota.take("ann").wait == 0
            granted.append(now.at)
            assert sum(at > now.at - MINUTE for at in granted) <= 2 * requests
        now.at += DAY


def test_memory_is_bounded(now: TurnedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 10)
    quota = Quota("member", 1, MINUTE, now)
    quota.take("ann")
    for n in range(9):
        quota.take(n)
    assert quota.take("ann").wait, "remembered"
    quota.take("one more")
    assert quota.take("ann").wait == 0, "forgotten"
    assert len(quota._whole_at) == 10


def test_renames_are_few(now: TurnedClock) -> None:
    quotas = Limits(600, now)
    for _ in range(RENAMES_PER_DAY):
        quotas.rename("ann")
    with pytest.raises(TooManyRequests) as refusal:
        quotas.rename("ann")
    quotas.rename("bob")
    assert refusal.value.retry_after_s == 24 * 3600 // RENAMES_PER_DAY


def test_one_customers_network_is_one_address(now: TurnedClock) -> None:
    quotas = Limits(600, now)
    for n in range(FAILURES_PER_MINUTE):
        assert not quotas.failure(f"2001:db8:1:2::{n:x}").wait
    assert quotas.failure("2001:db8:1:2:ffff::1").wait
    assert not quotas.failure("2001:db8:1:3::1").wait
    assert not quotas.failure("192.0.2.1").wait
    assert not quotas.failure("").wait

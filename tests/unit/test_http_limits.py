"""Quotas, on a clock that is turned by hand."""

from contextlib import ExitStack
from random import Random

import pytest

from laurels.clock import DAY, MINUTE, SECOND
from laurels.errors import TooManyRequests
from laurels.http.admission import limits
from laurels.http.admission.limits import (
    APPEARANCES_PER_DAY,
    CHECKS_PER_MINUTE,
    FAILURES_PER_MINUTE,
    RENAMES_PER_DAY,
    STREAMS,
    Limits,
    Quota,
)
from laurels.testing.ledger_contract.base import TurnedClock

START = 1_793_530_800_000_000


@pytest.fixture
def now() -> TurnedClock:
    return TurnedClock(START)


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


def test_it_never_grants_more_than_the_quota_in_any_period(now: TurnedClock, rng: Random) -> None:
    """Beside a list of what was granted: in any period, at most the quota twice (a whole burst, and what came back)."""
    for requests in (1, 2, 7, 60, 600):
        quota, granted = Quota("member", requests, MINUTE, now), []
        for _ in range(3 * requests + 50):
            now.at += rng.choice([0, 0, 1, rng.randrange(SECOND), rng.randrange(MINUTE)])
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
    assert len(quota._arrivals) == 10


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


def test_one_of_ipv4_is_itself_from_a_server_that_listens_to_both(now: TurnedClock) -> None:
    quotas = Limits(600, now)
    for _ in range(FAILURES_PER_MINUTE):
        assert not quotas.failure("::ffff:192.0.2.1").wait
    assert quotas.failure("192.0.2.1").wait
    assert not quotas.failure("::ffff:192.0.2.2").wait, "not all of IPv4 is one network"
    assert not quotas.failure("fe80::1%eth0").wait, "with the name of an interface, too"


@pytest.mark.parametrize("requests", [1, 2, 59_999_999, 60_000_000, 60_000_001, 10**12, 2**63])
def test_any_number_of_requests_is_a_quota(now: TurnedClock, requests: int) -> None:
    left = Limits(requests, now).member("ann")
    assert (left.wait, left.requests) == (0, requests - 1)
    assert left.header.startswith(b'"member";r=')


def test_0_is_no_limit(now: TurnedClock) -> None:
    quotas = Limits(0, now)
    left = [quotas.member("ann") for _ in range(1000)][-1]
    assert (left.wait, left.header) == (0, b"")


def test_leaving_and_rejoining_the_boards_is_for_a_few_times_a_day(now: TurnedClock) -> None:
    quotas = Limits(600, now)
    for _ in range(APPEARANCES_PER_DAY):
        quotas.appearance("ann")
    with pytest.raises(TooManyRequests, match="10 times a day"):
        quotas.appearance("ann")
    quotas.appearance("bob")


def test_only_checks_that_fail_use_the_quota_up(now: TurnedClock) -> None:
    quotas = Limits(600, now)
    for _ in range(2 * CHECKS_PER_MINUTE):
        assert not quotas.check("192.0.2.1").wait
        quotas.checked("192.0.2.1")
    for _ in range(CHECKS_PER_MINUTE):
        assert not quotas.check("192.0.2.1").wait
    assert quotas.check("192.0.2.1").wait
    assert not quotas.check("192.0.2.2").wait


def test_streams_have_a_bound_for_each_member_and_one_for_all(now: TurnedClock) -> None:
    quotas = Limits(600, now, most_streams=STREAMS + 2)
    with ExitStack() as stack:
        for _ in range(STREAMS):
            quotas.check_streams("ann")
            stack.enter_context(quotas.stream("ann"))
        with pytest.raises(TooManyRequests, match="open already"):
            quotas.check_streams("ann")
        for subject in (None, "bob"):
            quotas.check_streams(subject)
            stack.enter_context(quotas.stream(subject))
        for subject in (None, "cyd"):
            with pytest.raises(TooManyRequests, match="this process"):
                quotas.check_streams(subject)
    quotas.check_streams("ann")

"""The whole API, fed from its own description by schemathesis: whatever is sent, the answer is one that is described.

Each route is tried at the edges of its description with a token that may do everything, and at random with tokens of
every kind. `LAURELS_TEST_EXAMPLES` is how many random requests each route gets (60 by `make test-all`, 20 otherwise);
`LAURELS_TEST_SEED` which.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from structlog.testing import capture_logs
from tests.integration.http_shop import Shop, open_shop

from laurels.http.admission import limits
from laurels.http.api import service
from laurels.http.app import ROUTES
from laurels.http.routes import Route
from laurels.testing.verifying import findings_of

EXAMPLES = int(os.environ.get("LAURELS_TEST_EXAMPLES") or (60 if os.environ.get("LAURELS_TEST_ALL") else 20))
SEED = int(os.environ.get("LAURELS_TEST_SEED", "20261101"))

DESCRIBED = (*ROUTES, *service.ROUTES)
PROMISED = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
KNOWN = {
    "member_id": ["17850", "12346", "nobody"],
    "order_id": ["A1", "A2", "A3", "A4"],
    "refund_id": ["R1", "R2"],
    "redemption_id": ["V1", "V2"],
    "hold_id": ["H1", "H2"],
    "which": ["1", "2", "draft"],
    "board": ["all-time", "month", "month:2026-10", "weekly"],
    "name": ["conflict"],
    "number": ["0", "1", "4711"],
    "kind": ["order", "refund"],
    "source": ["shop"],
    "id": ["A1", "A4"],
    "job": ["1", "2", "4711"],
    "message_id": ["<none@laurels.invalid>"],
}
"""What may stand in a path beside what is made up: members and orders in every state."""


@schemathesis.serializer("application/x-ndjson")
def _lines(_: schemathesis.SerializationContext, body: Any) -> bytes:
    return str(body).encode()


@dataclass(frozen=True)
class Api:
    """A server, its description, and the tokens to come with; None is no token."""

    address: str
    schema: schemathesis.BaseSchema
    tokens: dict[str, str | None]
    session: requests.Session

    def check(self, case: schemathesis.Case[Any], token: str | None, **which: Any) -> None:
        """Send a request; the answer has to be one that is described."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        case.call_and_validate(base_url=self.address, session=self.session, headers=headers, timeout=30, **which)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A server in a thread of its own. Quotas are for other tests: here each refusal has to be the one that is asked
    for.
    """
    with pytest.MonkeyPatch.context() as patch, start_blocking_portal() as portal:
        patch.setattr(limits, "FAILURES_PER_MINUTE", 60_000_000)
        patch.setattr(limits, "RENAMES_PER_DAY", 1_000_000)
        opening = open_shop(tmp_path_factory.mktemp("state"), http_rate_limit_per_minute=60_000_000)
        with portal.wrap_async_context_manager(opening) as shop, requests.Session() as session:
            portal.call(_furnish, shop)
            config = schemathesis.Config.from_dict({"max-stream-events": 1})
            address = f"http://127.0.0.1:{shop.port}"
            schema = schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)
            schema.validate()
            tokens = {
                "everything": shop.token(),
                "a member": shop.token(member="17850"),
                "another member": shop.token(member="12346"),
                "no scope": shop.token(scope=""),
                "nobody": None,
            }
            yield Api(address, schema, tokens, session)
            assert portal.call(_still_sound, shop)


async def _furnish(shop: Shop) -> None:
    """Orders in every state: awarded, quarantined, refunded before it came, accepted."""
    await shop.order("A1", "17850", "2500.00")
    await shop.order("A2", "17850", "2500", currency="JPY")
    refund = {"refund_id": "R1", "member_id": "12346", "currency": "GBP", "amount": "5.00"}
    await shop.ask("POST", "/order/A3/refund", json=refund)
    await shop.settle()
    await shop.order("A4", "12346", "25.00")


async def _still_sound(shop: Shop) -> bool:
    """Whether all that was taken can be awarded, and the ledger agrees with itself."""
    await shop.settle()
    return not await findings_of(shop.services.ledger)


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def operation(api: Api, route: Route) -> Any:
    return api.schema[route.path][route.method]


@pytest.mark.slow
@pytest.mark.parametrize("route", DESCRIBED, ids=name_of)
def test_the_edges_of_the_description(api: Api, route: Route) -> None:
    """What fits just so and what just does not, methods that are not there, no token and a false one."""
    one = operation(api, route)
    # A description cannot say when an order was, or that lines and total agree; and bulk answers for each document.
    unsaid = [checks.positive_data_acceptance]
    if route.bulk_of is not None:
        unsaid.append(checks.negative_data_rejection)
    modes, generation = list(GenerationMode), api.schema.config.generation_for(operation=one)
    tried = 0
    with capture_logs() as logs:
        for case in api.schema.iter_coverage_cases(one, generation_modes=modes, generation_config=generation):
            api.check(case, api.tokens["everything"], excluded_checks=unsaid)
            tried += 1
    assert tried > 3
    assert not [line for line in logs if line["log_level"] == "error"]


@pytest.mark.long
@pytest.mark.parametrize("route", DESCRIBED, ids=name_of)
def test_anything_by_anybody(api: Api, route: Route) -> None:
    print(f"LAURELS_TEST_SEED={SEED}")
    one = operation(api, route)
    requests_ = st.one_of(one.as_strategy(GenerationMode.POSITIVE), one.as_strategy(GenerationMode.NEGATIVE))

    @seed(SEED)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=requests_, who=st.sampled_from(list(api.tokens)), data=st.data())
    def holds(case: schemathesis.Case[Any], who: str, data: st.DataObject) -> None:
        for name in case.path_parameters:
            if data.draw(st.booleans(), label=f"a known {name}"):
                case.path_parameters[name] = data.draw(st.sampled_from(KNOWN[name]))
        api.check(case, api.tokens[who], checks=PROMISED)

    holds()

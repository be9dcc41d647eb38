"""Contract suites: what any engine must pass, ours and other people's. They need pytest, anyio and Hypothesis."""

import pytest

pytest.register_assert_rewrite(
    "laurels.testing.channel_contract",
    "laurels.testing.intents_contract",
    "laurels.testing.leaderboard_contract",
    "laurels.testing.leaderboard_feeds",
    "laurels.testing.ledger_contract",
    "laurels.testing.payments_contract",
)

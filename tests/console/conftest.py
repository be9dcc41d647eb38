"""What tests of the console share."""

import pytest


@pytest.fixture(autouse=True)
def patient_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are not made by another clock than the shop's because the machine is busy."""
    monkeypatch.setattr("laurels.console.shop_zone.WITHIN_S", 60.0)

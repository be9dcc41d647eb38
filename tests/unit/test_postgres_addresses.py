"""What a URL of the ledger's servers names, and what is said of one that names nothing."""

import pytest

from laurels.engines.postgres.addresses import Address, hosts_of
from laurels.errors import SettingsError


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://db/shop", [("db", "5432")]),
        ("postgresql://laurels:a%40b@db:6000/shop", [("db", "6000")]),
        ("postgresql://laurels@one,two:6001/shop", [("one", "5432"), ("two", "6001")]),
        ("postgresql://laurels@one,two/shop?port=6000", [("one", "6000"), ("two", "6000")]),
        ("postgresql://laurels@[::1]:6000,[fe80::1]/shop", [("::1", "6000"), ("fe80::1", "5432")]),
        ("postgresql://laurels@/shop?host=/run/pg&port=6000", [("/run/pg", "6000")]),
        ("postgresql://laurels@/shop?host=/run/a,/run/b&port=6000,6001", [("/run/a", "6000"), ("/run/b", "6001")]),
        ("postgresql://laurels@/shop?host=/run/a,/run/b", [("/run/a", "5432"), ("/run/b", "5432")]),
        ("postgresql:///shop", []),
        ("postgresql://%2Frun%2Fpg/shop", [("/run/pg", "5432")]),
    ],
)
def test_hosts(url: str, hosts: list[tuple[str, str]]) -> None:
    assert hosts_of(url) == hosts


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://shop:top/secret@db/shop",
        "postgresql://shop:top#secret@db/shop",
        "postgresql://shop:top?secret@db/shop",
        "postgresql://shop:secret@db:secret/shop",
        "postgresql://shop:secret@[db/shop",
        "postgresql://shop:secret@/shop?host=a,b,c&port=1,2",
    ],
)
def test_what_cannot_be_read_is_not_quoted(url: str) -> None:
    """A password with a character that has a meaning in a URL is taken for a port: none of it is shown."""
    with pytest.raises(SettingsError, match=r"ledger\.url cannot be used") as refused:
        Address(url)
    for piece in ("secret", "top"):
        assert piece not in refused.value.message.split("%2F")[0]

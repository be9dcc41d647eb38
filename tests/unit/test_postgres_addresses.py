"""What a URL of the ledger's servers names, and what is said of one that names nothing."""

from pathlib import Path

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
        "postgresql://shop:secret@db:65536/shop",
        "postgresql://shop:secret@db:0/shop",
        "postgresql://shop:secret@db:\N{SUPERSCRIPT TWO}/shop",
        "postgresql://shop:secret@::1/shop",
        "postgresql://shop:secret@/shop?host=/run/pg&port=99999",
        "postgresql://shop:secret@db/shop?sslmode",
        "postgresql://shop:secret@db/shop#secret",
    ],
)
def test_what_cannot_be_read_is_not_quoted(url: str) -> None:
    """A password with a character that has a meaning in a URL is taken for a port: none of it is shown."""
    with pytest.raises(SettingsError, match=r"ledger\.url cannot be used") as refused:
        Address(url)
    for piece in ("secret", "top"):
        assert piece not in refused.value.message.split("%2F")[0]


SERVICES = {
    "": "there is no service shop",
    "[till]\nhost=db\n": "there is no service shop",
    "host=db\npassword=secret\n": "cannot be read",
    "[shop]\nhost=db\npassword=se%cret\n": "%%",
    "[shop]\nhost=db\n[shop]\nhost=secret\n": "cannot be read",
    "[shop]\nhost=db\npassword=\udcff\n": "cannot be read",
}


@pytest.mark.parametrize("held", SERVICES)
def test_a_service_that_cannot_be_read_is_named_without_what_it_says(
    held: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver would go to whatever server is usual, or end with an error that quotes a piece of a password."""
    file = tmp_path / "services"
    file.write_bytes(held.encode("utf-8", "surrogateescape"))
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    with pytest.raises(SettingsError, match="service") as refused:
        Address("postgresql:///shop?service=shop")
    assert SERVICES[held] in refused.value.message
    assert "\n" not in refused.value.message
    assert not any(piece in refused.value.message for piece in ("secret", "cret"))


def test_a_service_that_is_there_does_whatever_others_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "services"
    file.write_text("[till]\npassword=se%cret\n[shop]\nhost=db\n")
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    assert Address("postgresql:///shop?service=shop").hosts == []


@pytest.mark.parametrize("name", ["PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL"])
def test_a_file_that_the_environment_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at where the driver would read it."""
    monkeypatch.setenv(name, "/nowhere/at.pem")
    for url in ("postgresql://db/shop?sslmode=disable", "postgresql://laurels@/shop?host=/run/pg"):
        Address(url)
    with pytest.raises(SettingsError, match=f"{name} cannot be read: /nowhere/at.pem"):
        Address("postgresql://db/shop?sslmode=verify-full")
    monkeypatch.setenv("PGSSLMODE", "verify-ca")
    with pytest.raises(SettingsError, match=f"{name} cannot be read"):
        Address("postgresql://db/shop")


def test_whom_to_look_for_is_not_the_urls_to_say() -> None:
    for target in ("any", "primary", "read-write"):
        Address(f"postgresql://db/shop?target_session_attrs={target}")
    for target in ("standby", "read-only", "prefer-standby", "odd"):
        with pytest.raises(SettingsError, match="target_session_attrs"):
            Address(f"postgresql://db/shop?target_session_attrs={target}")
    Address("postgresql://db/shop?target_session_attrs=prefer-standby", "ledger.feed_url")

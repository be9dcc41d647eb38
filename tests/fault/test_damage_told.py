"""`laurels verify` names a byte that was flipped, though it ends whatever reads that row afterwards."""

from contextlib import closing
from pathlib import Path

import apsw
import pytest
from tests.acceptance.command_line import laurels_here

from laurels.program import DEFAULT_PROGRAM

CAMPAIGN = '\n[[campaigns]]\nname = "double"\nmultiply = "2"\n'
ORDERS = "order_id,member_id,currency,total\na1,ann,GBP,25.00\na2,bob,GBP,75.00\n"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE entry SET kind = 'earo' WHERE place = 2", "0-2: the entry was changed"),
        ("UPDATE entry SET details = CAST(replace(details, '{', '[') AS BLOB) WHERE place = 2", "0-2: the entry was"),
        (
            "UPDATE award SET places = CAST(replace(places, ']', '|') AS BLOB) WHERE order_id = 'a1'",
            "order shop/a1: what",
        ),
        ("UPDATE award SET frame = x'c1'", "order shop/a1: its frame does not fit its entries"),
    ],
)
def test_never_changes_an_entry_without_verify_naming_it(tmp_path: Path, statement: str, named: str) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS)
    (tmp_path / "program.toml").write_text(DEFAULT_PROGRAM + CAMPAIGN)
    (tmp_path / "laurels.toml").write_text('[program]\nfile = "program.toml"\n')
    assert laurels_here("import", "orders.csv", cwd=tmp_path).returncode == 0
    with closing(apsw.Connection(str(tmp_path / "laurels-data" / "laurels.db"))) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute(statement)
        assert db.changes() > 0
        for _, sql in triggers:
            db.execute(str(sql))
    ran = laurels_here("verify", cwd=tmp_path)
    assert ran.returncode == 1
    assert named in ran.stderr, ran.stderr
    assert "things are not as they should be" in ran.stdout

"""What `laurels import` says of what it did, and that no option or column is dropped in silence."""

import csv
import gzip
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from tests.acceptance.command_line import LAURELS, laurels_here

HEADER = "order_id,member_id,currency,total\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return tmp_path


def bring_in(shop: Path, name: str, text: str, *options: str) -> "subprocess.CompletedProcess[str]":
    (shop / name).write_text(text)
    return laurels_here("import", name, *options, cwd=shop)


def entries(shop: Path) -> list[dict[str, str]]:
    assert laurels_here("export", "entries", "--to", "entries.csv", cwd=shop).returncode == 0
    with (shop / "entries.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["kind"] != "enrol"]


def test_what_lies_in_quarantine_is_said_and_fails(shop: Path) -> None:
    text = HEADER + "u1,m1,USD,50.00\nu2,m1,USD,5.00\nu3,m1,GBP,50.00\n"
    first = bring_in(shop, "u.csv", text)
    assert first.returncode == 1
    assert first.stdout == (
        "3 orders, 0 refunds: 3 new, 0 here before, 0 in conflict\n"
        "1 awarded, 0 waiting for their order, 2 in quarantine\n"
        "in quarantine: 2 x the program (version 1) gives no points for USD\n"
    )
    again = bring_in(shop, "u.csv", text, "--json")
    assert again.returncode == 1, "they lie there still"
    answer = json.loads(again.stdout)
    assert (answer["new"], answer["repeated"], answer["awarded"], answer["quarantined"]) == (0, 3, 0, 2)
    assert answer["reasons"] == {"the program (version 1) gives no points for USD": 2}


def test_a_refund_whose_order_has_not_come_waits_and_fails_until_it_came(shop: Path) -> None:
    refund = '{"refund_id":"r1","order_id":"late","member_id":"m","currency":"GBP","amount":"5.00"}\n'
    order = '{"order_id":"late","member_id":"m","currency":"GBP","total":"50.00"}\n'
    waits = bring_in(shop, "r.ndjson", refund)
    assert (waits.returncode, waits.stdout.splitlines()[1]) == (
        1,
        "0 awarded, 1 waiting for their order, 0 in quarantine",
    )
    assert bring_in(shop, "r.ndjson", refund).returncode == 1
    assert bring_in(shop, "o.ndjson", order).returncode == 0
    assert bring_in(shop, "r.ndjson", refund).returncode == 0
    both = refund.replace("late", "l2").replace("r1", "r2") + order.replace("late", "l2")
    assert bring_in(shop, "b.ndjson", both).stdout.splitlines()[1].startswith("2 awarded, 0 waiting")


def test_a_conflict_is_said_and_fails(shop: Path) -> None:
    assert bring_in(shop, "a.csv", HEADER + "1,m1,GBP,50.00\n").returncode == 0
    done = bring_in(shop, "a.csv", HEADER + "1,m1,GBP,51.00\n2,m1,GBP,10.00\n")
    assert done.returncode == 1
    assert done.stdout.startswith("2 orders, 0 refunds: 1 new, 0 here before, 1 in conflict\n1 awarded")


@pytest.mark.parametrize("options", [["--set", "currency=GBP"], ["--set", "currency=gbp", "--map", "total=total"]])
def test_columns_that_no_option_names_are_read_under_their_names(shop: Path, options: list[str]) -> None:
    text = "order_id,member_id,total,occurred_at,refund_id\n1001,ann,250.00,2025-10-25T10:00:00Z,\n"
    text += "1001,ann,50.00,2025-10-26T10:00:00Z,R1\n"
    assert bring_in(shop, "a.csv", text, *options).returncode == 0
    assert [(row["kind"], row["points"], row["occurred_at"]) for row in entries(shop)] == [
        ("earn", "25", "2025-10-25T10:00:00Z"),
        ("reverse", "-5", "2025-10-26T10:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--preset", "online-retail", "--set", "nofield=3"], "There is no field nofield"),
        (["--time-zone", "Europe/London"], "time_zone has no effect without occurred_at"),
        (["--time-format", "epoch"], "time_format has no effect without occurred_at"),
        (["--keep", "status=paid"], "keep has no effect without status"),
        (["--refund-event", "Refund"], "refund_events has no effect without event"),
        (["--guest-id", "0"], "guest_ids has no effect without skip_without_member"),
        (["--rejects", "r.csv"], "no effect without --skip-invalid"),
        (["--set", "currency=GBP", "--map", "currency=currency"], "a column and a value"),
        (["--mapping", "none.toml"], "none.toml: cannot be read"),
        (["--kind", "adjustments", "--keep", "status=paid"], "keep has no effect on adjustments"),
        (["--kind", "adjustments", "--skip-invalid"], "--skip-invalid has no effect on adjustments"),
        (["--kind", "adjustments", "--skip-invalid", "--rejects", "r.csv"], "has no effect on adjustments"),
        (["--ignore", "nots"], "--ignore nots has no effect"),
        (["--skip-prefix", ""], "--skip-prefix is empty"),
        (["--preset", "online-retail", "--refund-prefix", ""], "--refund-prefix is empty"),
    ],
)
def test_an_option_without_effect_is_an_error(shop: Path, options: list[str], words: str) -> None:
    done = bring_in(shop, "a.csv", HEADER + "1,m1,GBP,50.00\n", *options)
    assert done.returncode in {1, 2}
    assert words in done.stderr
    assert not (shop / "laurels-data" / "ledger.one").exists()


def test_all_faults_are_told_and_may_be_left_out(shop: Path) -> None:
    header = "order_id,member_id,currency,sku,quantity,unit_price,email\n"
    bad = "".join(f"B{number},m1,GBP,tea,x,1.00,\n" for number in range(30))
    text = header + bad + "C,4.00012E+15,GBP,tea,1,1.00,\nA,m1,GBP,,1,100.00,ann@\nC,m1,GBP,tea,1,1.00,\n"
    refused = bring_in(shop, "l.csv", text)
    assert refused.returncode == 1
    assert refused.stderr.count("must be a decimal string") == 20 + 1 + 1, "the first 20, the count, the refusal"
    assert "fault: 30 x column quantity: must be a decimal string" in refused.stderr
    assert "fault: 1 x column member_id: looks like an id that a spreadsheet" in refused.stderr
    assert not (shop / "laurels-data" / "ledger.one").exists()
    done = bring_in(shop, "l.csv", text, "--skip-invalid", "--rejects", "rejects.csv")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "1 order, 0 refunds: 1 new, 0 here before, 0 in conflict",
    )
    assert "1 x column email: unusable and left out" in done.stderr
    with (shop / "rejects.csv").open() as file:
        rejects = list(csv.DictReader(file))
    assert (shop / "rejects.csv").stat().st_mode & 0o777 == 0o600
    assert [row["row"] for row in rejects] == [str(row) for row in [*range(1, 32), 33]]
    assert rejects[30]["value"] == "4.00012E+15"
    assert rejects[31]["reason"] == "another row of this order is at fault", "half an order would earn too little"
    assert bring_in(shop, "l.csv", text, "--skip-invalid").returncode == 0
    assert (shop / "l.csv.rejects.csv").exists()


def test_spoiled_ids_are_refused_unless_wanted(shop: Path) -> None:
    honest = ["73928e03", "4e872096", "219E01BE", "007", "7"]
    text = HEADER + "".join(f"o{n},{member},GBP,10.00\n" for n, member in enumerate(honest))
    assert bring_in(shop, "h.csv", text).returncode == 0
    spoiled = HEADER + "s1,4.00012E+15,GBP,10.00\n"
    assert "row 1 (line 2), column member_id" in bring_in(shop, "s.csv", spoiled).stderr
    assert bring_in(shop, "s.csv", spoiled, "--ids-as-they-are").returncode == 0
    wire = '{"order_id":"17850.0","member_id":"m","currency":"GBP","total":"5.00"}\n'
    assert "column order_id" in bring_in(shop, "w.ndjson", wire).stderr
    assert bring_in(shop, "w.ndjson", wire, "--ids-as-they-are").returncode == 0


def test_several_files_patterns_and_a_list_of_options(shop: Path) -> None:
    (shop / "till.toml").write_text('negative_refunds = true\n[map]\ntotal = "Sum"\n[set]\ncurrency = "EUR"\n')
    for number in range(3):
        rows = f"order_id,member_id,Sum\n{number},m1,10.00\nr{number},m1,-10.00\n"
        (shop / f"till-{number}.csv.gz").write_bytes(gzip.compress(rows.encode()))
    options = ["--mapping", "till.toml", "--set", "currency=GBP"]
    dry = laurels_here("import", "till-*.csv.gz", *options, "--dry-run", cwd=shop)
    assert dry.stdout == "3 orders, 3 refunds would be brought in; nothing was written\n"
    assert not (shop / "laurels-data").exists()
    done = laurels_here("import", "till-*.csv.gz", *options, cwd=shop)
    assert done.stdout.startswith("3 orders, 3 refunds: 6 new")
    assert "total: Sum" in done.stderr, "it says what it took each column for"
    assert [row["points"] for row in entries(shop)] == ["1", "-1"] * 3


def test_standard_input(shop: Path) -> None:
    text = HEADER + "1,m1,GBP,50.00\n"
    done = subprocess.run(
        [LAURELS, "import", "-", "--format", "csv"],
        input=text, capture_output=True, text=True, cwd=shop, check=False, timeout=200,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[1].split(",")[0]) == (0, "1 awarded")


def test_adjustments(shop: Path) -> None:
    text = "member_id,points,reason,occurred_at\nann,5000,old balance,2025-01-02\nann,5000,old balance,2025-01-02\n"
    text += "bob,-3,,\n"
    options = ["--kind", "adjustments", "--set", "board=false", "--time-zone", "UTC"]
    done = bring_in(shop, "adj.csv", text, *options)
    assert done.stdout == "3 adjustments: 3 new, 0 here before, 0 in conflict\n3 awarded, 0 refused\n"
    assert [(row["member_id"], row["points"], row["source"]) for row in entries(shop)] == [
        ("ann", "5000", "import"),
        ("ann", "5000", "import"),
        ("bob", "-3", "import"),
    ]
    assert bring_in(shop, "adj.csv", text, *options).stdout.startswith("3 adjustments: 0 new, 3 here before")
    bad = "member_id,points,adjustment_id\nann,1.5,a\n,5,b\nann,0,NULL\n"
    refused = bring_in(shop, "bad.csv", bad, "--kind", "adjustments")
    assert refused.returncode == 1
    assert refused.stderr.count("column points") >= 2
    conflict = "member_id,points,adjustment_id\nann,1,a\nann,2,a\n"
    done = bring_in(shop, "c.csv", conflict, "--kind", "adjustments")
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "2 adjustments: 1 new, 0 here before, 1 in conflict")


def test_an_export_that_is_known_is_named_and_read_when_a_person_says_so(shop: Path) -> None:
    text = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    text += "489434,85048,bowl,12,2010-12-01 08:26:00,6.95,13085,UK\n"
    unasked = bring_in(shop, "ii.csv", text)
    assert unasked.returncode == 1
    assert "looks like an export that --preset online-retail-ii reads" in unasked.stderr
    assert not (shop / "laurels-data" / "ledger.one").exists()
    ours, theirs = pty.openpty()
    with subprocess.Popen([LAURELS, "import", "ii.csv"], stdin=theirs, stdout=subprocess.PIPE, cwd=shop) as asked:
        os.write(ours, b"y\n")
        stdout, _ = asked.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert stdout.decode().startswith("1 order, 0 refunds: 1 new")


MISSPELT = [
    ("occured_at", "occurred_at"),
    ("Occurred At", "occurred_at"),
    ("chanel", "channel"),
    ("e-mail", "email"),
    ("Refund ID", "refund_id"),
    ("sources", "source"),
]


@pytest.mark.parametrize(("column", "field"), MISSPELT)
@pytest.mark.parametrize("options", [["--set", "currency=GBP"], ["--map", "total=Sum", "--set", "currency=GBP"]])
def test_a_misspelt_column_is_never_dropped_in_silence(shop: Path, options: list[str], column: str, field: str) -> None:
    total = "Sum" if "--map" in options else "total"
    text = f"order_id,member_id,{total},{column}\n1,m1,50.00,2025-10-25T10:00:00Z\n"
    refused = bring_in(shop, "o.csv", text, *options)
    assert refused.returncode == 1
    assert f"has a column {column}" in refused.stderr
    assert field in refused.stderr
    assert not (shop / "laurels-data" / "ledger.one").exists()
    assert bring_in(shop, "o.csv", text, *options, "--ignore", column, "--dry-run").returncode == 0


def test_options_that_name_no_column_let_no_unknown_one_pass(shop: Path) -> None:
    text = "order_id,member_id,currency,total,note\n1,m1,GBP,50.00,gift\n"
    assert "has a column note that is not known" in bring_in(shop, "o.csv", text, "--set", "channel=store").stderr
    assert bring_in(shop, "o.csv", text, "--set", "channel=store", "--ignore", "note").returncode == 0
    both = bring_in(shop, "o.csv", text, "--map", "email=note", "--ignore", "note")
    assert "is to be read and to be ignored" in both.stderr


@pytest.mark.parametrize("with_ledger", [False, True])
def test_a_dry_run_says_what_would_lie_in_quarantine(shop: Path, with_ledger: bool) -> None:
    if with_ledger:
        assert bring_in(shop, "first.csv", HEADER + "0,m1,GBP,50.00\n").returncode == 0
    text = HEADER + "u1,m1,USD,50.00\nu2,m1,USD,5.00\nu3,m1,GBP,50.00\n"
    dry = bring_in(shop, "u.csv", text, "--dry-run")
    assert dry.returncode == 1
    assert dry.stdout == (
        "3 orders, 0 refunds would be brought in; nothing was written\n"
        "2 of them would lie in quarantine\n"
        "in quarantine: 2 x the program (version 1) gives no points for USD\n"
    )
    assert (shop / "laurels-data").exists() == with_ledger
    answer = json.loads(bring_in(shop, "u.csv", text, "--dry-run", "--json").stdout)
    done = json.loads(bring_in(shop, "u.csv", text, "--json").stdout)
    assert (answer["quarantined"], answer["reasons"]) == (done["quarantined"], done["reasons"])


@pytest.mark.parametrize("column", ["occured_at", "Reasons", "adjustment-id", "Quiet", "notes"])
def test_a_misspelt_column_of_adjustments_is_not_dropped_either(shop: Path, column: str) -> None:
    text = f"member_id,Balance,{column}\nann,5,2025-01-02T00:00:00Z\n"
    options = ["--kind", "adjustments", "--map", "points=Balance"]
    refused = bring_in(shop, "a.csv", text, *options)
    assert (refused.returncode, f"has a column {column} that is not read" in refused.stderr) == (1, True)
    assert not (shop / "laurels-data" / "ledger.one").exists()
    done = bring_in(shop, "a.csv", text, *options, "--ignore", column)
    assert (done.returncode, "points: Balance" in done.stderr) == (0, True), "and it says what it took each for"


def test_a_file_of_refunds_alone_has_amounts(shop: Path) -> None:
    """Under the wire's names, as `POST /order/{order_id}/refund` takes them."""
    header = "order_id,member_id,currency,amount,refund_id\n"
    waits = bring_in(shop, "r.csv", header + "X,m1,GBP,5.00,R1\n,m1,GBP,50.00,R2\n")
    assert waits.stdout.splitlines()[1] == "1 awarded, 1 waiting for their order, 0 in quarantine"
    assert [(row["kind"], row["points"]) for row in entries(shop)] == [("reverse", "-5")]
    refused = bring_in(shop, "o.csv", header + "X,m1,GBP,5.00,\n")
    assert "column refund_id: is empty" in refused.stderr, "it is no order for that"


def test_another_encoding_is_named_with_the_option_for_it(shop: Path) -> None:
    for encoding, option in (("latin-1", "cp1252"), ("utf-16", "utf-16")):
        (shop / "e.csv").write_bytes((HEADER + "1,Zo\u00eb,GBP,50.00\n").encode(encoding))
        refused = laurels_here("import", "e.csv", cwd=shop)
        assert f"--encoding {option}" in refused.stderr
        assert laurels_here("import", "e.csv", "--encoding", option, "--dry-run", cwd=shop).returncode == 0

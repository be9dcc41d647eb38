"""Whatever a file calls its columns, however it spells their cells, and in whatever format it comes: with the options
that say so it gives the orders that were written into it, and an option that says nothing of it is refused.
"""

import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from laurels.errors import LaurelsError
from laurels.exchange import OptionList, open_documents
from laurels.model import Channel, Order, Refund
from laurels.model.currencies import DECIMALS

LONDON = ZoneInfo("Europe/London")
Row = dict[str, Any]
"""An order or, with a `refund_id`, a refund: minor units, and microseconds."""

IDS = st.text("abz019_-#/ |;:.é日", min_size=1, max_size=8).map(lambda text: f"A{text}Z")
NAMES = st.lists(st.text("Order Totalé_%.()", min_size=3, max_size=12), min_size=8, max_size=8, unique=True).map(
    lambda names: [f"x{name}{n}" for n, name in enumerate(names)]
)
"""Column names that are nothing like the wire's; a sum of columns would have + or - in it."""

MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2026, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC))  # noqa: DTZ001


@st.composite
def rows(draw: st.DrawFn, currencies: list[str]) -> list[Row]:
    ids = draw(st.lists(IDS, min_size=1, max_size=6, unique=True))
    return [
        {
            "order_id": id_,
            "member_id": draw(IDS),
            "currency": draw(st.sampled_from(currencies)),
            "total": draw(st.integers(0, 10**9)),
            "occurred_at": draw(MOMENTS),
            "refund_id": draw(st.none() | st.just(f"R{n}")),
        }
        for n, id_ in enumerate(ids)
    ]


class Spelling:
    """One way to write a file, and the options that read it."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.format = draw(st.sampled_from(["csv", "tsv", "ndjson", "json", "parquet", "csv.gz", "ndjson.gz"]))
        names = draw(NAMES)
        roles = ["order_id", "member_id", "currency", "total", "occurred_at", "refund_id"]
        least = 1 if "json" in self.format else 0  # objects under the wire's names alone are whole orders
        renamed = draw(st.sets(st.sampled_from(roles), min_size=least))
        self.columns = {role: names[n] if role in renamed else role for n, role in enumerate(roles)}
        self.more = names[6:] if draw(st.booleans()) and renamed else []
        options: dict[str, Any] = {"map": {role: self.columns[role] for role in sorted(renamed)}}
        constant = draw(st.none() | st.sampled_from(["GBP", "JPY", "KWD"]))
        self.currencies = [constant] if constant else ["GBP", "EUR", "JPY", "KWD"]
        if constant:
            del self.columns["currency"]
            options["map"].pop("currency", None)
            options["set"] = {"currency": constant}
        if draw(st.booleans()):
            options.setdefault("set", {})["channel"] = "store"
        self.prefix = draw(st.sampled_from([None, "#", "No. "]))
        self.sign = draw(st.sampled_from([None, "¤"]))
        self.minor = draw(st.booleans())
        self.decimal = draw(st.sampled_from([None, ","])) if not self.minor else None
        self.thousands = draw(st.sampled_from([None, " ", "'", "." if self.decimal else "_"]))
        self.time = draw(st.sampled_from(["offset", "zone", "format", "epoch"]))
        self.delimiter = draw(st.sampled_from([None, ";", "|"])) if "csv" in self.format else None
        self.encoding = draw(st.sampled_from([None, "utf-16"])) if self.format != "parquet" else None
        options |= {
            "strip_prefix": self.prefix,
            "money_sign": self.sign,
            "minor_units": self.minor or None,
            "decimal": self.decimal,
            "thousands": self.thousands,
            "time_zone": "Europe/London" if self.time in {"zone", "format"} else None,
            "time_format": {"format": "%d.%m.%Y %H:%M:%S", "epoch": "epoch"}.get(self.time),
            "delimiter": self.delimiter,
            "encoding": self.encoding,
        }
        self.options = OptionList(**options)

    def cells(self, row: Row) -> dict[str, str | None]:
        told = {
            "order_id": f"{self.prefix or ''}{row['order_id']}",
            "member_id": row["member_id"],
            "currency": row["currency"].lower(),
            "total": self._money(row["total"], DECIMALS[row["currency"]]),
            "occurred_at": self._moment(row["occurred_at"]),
            "refund_id": row["refund_id"],
        }
        return {self.columns[role]: told[role] for role in self.columns} | dict.fromkeys(self.more, "rubbish, ;|\n")

    def _money(self, minor: int, decimals: int) -> str:
        whole, fraction = (minor, "") if self.minor else divmod(minor, 10**decimals)
        mark = self.decimal or "."
        text = f"{whole:,}".replace(",", self.thousands or "")
        if not self.minor and decimals:
            text += f"{mark}{fraction:0{decimals}}"
        return (self.sign or "") + text

    def _moment(self, at: datetime) -> str:
        if self.time == "epoch":
            return str(int(at.timestamp()))
        if self.time == "offset":
            return at.isoformat()
        local = at.astimezone(LONDON)
        return local.strftime("%d.%m.%Y %H:%M:%S" if self.time == "format" else "%Y-%m-%d %H:%M:%S")

    def meant(self, at: datetime) -> datetime:
        """The instant that is read: by the clock it is the first of two that read alike."""
        return at.astimezone(LONDON).replace(fold=0).astimezone(UTC) if self.time in {"zone", "format"} else at

    def write(self, folder: Path, cells: list[dict[str, str | None]]) -> Path:
        path = folder / f"orders.{self.format}"
        frame = pl.DataFrame(cells, schema=dict.fromkeys(cells[0], pl.String))
        if self.format == "parquet":
            frame.write_parquet(path)
            return path
        if "csv" in self.format or "tsv" in self.format:
            made = io.BytesIO()
            frame.write_csv(made, separator=self.delimiter or ("\t" if "tsv" in self.format else ","))
            text = made.getvalue().decode()
        elif self.format == "json":
            text = json.dumps(cells, indent=1)
        else:
            text = "".join(json.dumps(row) + "\n" for row in cells)
        data = text.encode(self.encoding or "utf-8")
        path.write_bytes(gzip.compress(data, 1) if self.format.endswith(".gz") else data)
        return path


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=40
)
@given(st.data())
def test_what_was_written_is_read(tmp_path: Path, data: st.DataObject) -> None:
    spelling = data.draw(st.composite(Spelling)())
    written = data.draw(rows(spelling.currencies))
    path = spelling.write(tmp_path, [spelling.cells(row) for row in written])
    read = list(open_documents(path, spelling.options.mapping()))
    for row, document in zip(written, read, strict=True):
        at = (spelling.meant(row["occurred_at"]) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        assert (document.member_id, document.currency, document.occurred_at) == (row["member_id"], row["currency"], at)
        assert document.order_id == row["order_id"]
        if row["refund_id"] is None:
            assert isinstance(document, Order)
            assert document.total == row["total"]
            is_store = (spelling.options.set or {}).get("channel") == "store"
            assert document.channel is (Channel.STORE if is_store else Channel.WEB)
        else:
            assert isinstance(document, Refund)
            assert (document.refund_id, document.amount) == (row["refund_id"], row["total"])


IDLE: list[Callable[[], OptionList]] = [
    lambda: OptionList(time_zone="Europe/London"),
    lambda: OptionList(time_format="%d.%m.%Y"),
    lambda: OptionList(keep=("paid",)),
    lambda: OptionList(returned=("refunded",)),
    lambda: OptionList(refund_events=("Refund",)),
    lambda: OptionList(guest_ids=("0",)),
    lambda: OptionList(map={"event": "x"}),
    lambda: OptionList(map={"status": "x"}),
    lambda: OptionList(map={"zone": "x"}),
    lambda: OptionList(delimiter=";"),
    lambda: OptionList(set={"nofield": "3"}),
    lambda: OptionList(set={"total": "3"}),
    lambda: OptionList(map={"total": "no such column"}),
]


@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet"])
@pytest.mark.parametrize("number", range(len(IDLE)))
def test_an_option_that_says_nothing_of_the_file_is_refused(tmp_path: Path, suffix: str, number: int) -> None:
    path = tmp_path / f"orders.{suffix}"
    frame = pl.DataFrame(
        {"order_id": ["A1"], "member_id": ["ann"], "currency": ["GBP"], "total": ["25.00"], "x": ["y"]}
    )
    if suffix == "csv":
        frame.write_csv(path)
    elif suffix == "ndjson":
        frame.write_ndjson(path)
    else:
        frame.write_parquet(path)
    with pytest.raises(LaurelsError):
        open_documents(path, IDLE[number]().mapping())

"""The embedded ledger: one SQLite file in WAL mode with `synchronous=FULL`, in one shard or many.

`ledger.py` keeps the port's promises; `writer.py` is the one thread that writes; `chain.py` appends entries;
`queries.sql` holds every statement, by name; `schema/` the numbered steps that make the file.
"""

from laurels.engines.sqlite.ledger import SqliteLedger

__all__ = ["SqliteLedger"]

"""The ledger on a PostgreSQL server (15 or later): 16 shards, any number of processes on any hosts.

`ledger.py` keeps the port's promises; `connections.py` says what a transaction is and what is known when one breaks
off; `accepting.py`, `awarding.py` and `settling.py` are the ways in; `batch.py` writes what they lead to; `queries/`
holds every statement, by name; `schema/` the numbered steps that make the tables.
"""

from laurels.engines.postgres.ledger import PostgresLedger

__all__ = ["PostgresLedger"]

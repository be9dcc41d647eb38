"""`simulate`: a national shop's day in small, and the ledger that it must lead to.

`day.py` makes the day up, `expected.py` says what it must have led to, `target.py` is what it is sent to:
`in_process.py` or `over_http.py`. `play.py` sends and settles, `run.py` puts them together.
"""

"""`demo`: a made-up shop on this machine, to buy in and to watch.

`accounts.py` is who can be signed in, `history.py` what happened before, `traffic.py` the other customers, `backend.py`
the shop's own backend, `outbox.py` the mails that went out, `run.py` puts them together. The pages are in `web/demo`.
"""

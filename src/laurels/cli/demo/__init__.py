"""`demo`: a made-up shop on this machine, to buy in and to watch.

`cast.py` is who can be signed in, `history.py` what happened before, `traffic.py` the other customers, `shop.py` the
shop's own backend, `outbox.py` the mails that went out. The pages are in `web/demo`.
"""

from laurels.cli.demo.command import register

__all__ = ["register"]

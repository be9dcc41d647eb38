"""`simulate`: a national shop's day in small, and its books.

`day.py` makes the day up, `books.py` says what it must have led to, `house_shop.py` and `http_shop.py` are the two ways
in, `play.py` sends and settles, `command.py` is the command line's part.
"""

from laurels.cli.simulate.command import register

__all__ = ["register"]

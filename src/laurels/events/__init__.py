"""Events: point entries as other services of the shop hear of them, once or more, and in order for each member.

`public.py` is what an event says; `reading.py` reads them off the feed; `cursor.py` is how far a reader got;
`publisher.py` follows the feed for one target; `sink.py` is the port of a target.
"""

from laurels.events.cursor import LAST_POSITION, Cursor
from laurels.events.public import Event, event_of, events_of
from laurels.events.publisher import Publisher
from laurels.events.reading import read_events
from laurels.events.sink import Sink, SinkClosed, SinkUnavailable

__all__ = [
    "LAST_POSITION",
    "Cursor",
    "Event",
    "Publisher",
    "Sink",
    "SinkClosed",
    "SinkUnavailable",
    "event_of",
    "events_of",
    "read_events",
]

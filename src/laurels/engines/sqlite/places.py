"""Places: a shard and a position in it as one number, so that a shard's rows lie together and in order."""

_BITS = 40
_POSITIONS = (1 << _BITS) - 1
_STRETCH_BITS = 16
"""Of the places of a stretch, as the schema has it."""


def place_of(shard: int, position: int) -> int:
    """The place of a position; positions go up to 2^40."""
    return shard << _BITS | position


def shard_at(place: int) -> int:
    """The shard of a place."""
    return place >> _BITS


def position_at(place: int) -> int:
    """The position of a place in its shard."""
    return place & _POSITIONS


def stretch_of(place: int) -> int:
    """The stretch that a place lies in: by stretches the entries of members are found."""
    return place >> _STRETCH_BITS


def stretch_start(stretch: int) -> int:
    """The first place of a stretch."""
    return stretch << _STRETCH_BITS


def end_of(shard: int) -> int:
    """The last place that a shard can have."""
    return place_of(shard, _POSITIONS)

"""Boards to show: answers of the wire, made from a list of points so that ranks, ties and neighbours are right."""

from typing import Any

ADJECTIVES = ["Amber", "Silver", "Coral", "Misty", "Golden", "Quiet", "Rustic", "Scarlet", "Tidal", "Velvet"]
CREATURES = ["Falcon", "Heron", "Otter", "Lynx", "Puffin", "Badger", "Curlew", "Marten", "Osprey", "Wren"]


def name_of(member: int) -> str:
    """A proxy name, the same for the same member."""
    return f"{ADJECTIVES[member % 10]} {CREATURES[member // 10 % 10]} {member * 7919 % 10000:04}"


def board(points: list[int], me: int | None = None, *, top: int = 17, around: int = 3, **more: Any) -> dict[str, Any]:
    """The answer for the member number `me` (None: a board's top alone), where member i has `points[i]`.

    `top` and `around` are as the element asks for: one more than its whole list has, one more than it shows.
    """
    order = sorted((i for i, n in enumerate(points) if n > 0), key=lambda i: (-points[i], i))

    def row(at: int) -> dict[str, Any]:
        member = order[at]
        own = {"me": True} if member == me else {}
        return {"rank": rank(member), "name": name_of(member), "points": points[member]} | own

    def rank(member: int) -> int:
        return 1 + sum(n > points[member] for n in points)

    answer: dict[str, Any] = {"board": "all-time", "as_of": "1.0-7", "stale": False, "ranked": len(order)}
    answer["top"] = [{k: v for k, v in row(at).items() if k != "me"} for at in range(min(top, len(order)))]
    if me is not None:
        at = order.index(me) if me in order else None
        answer["me"] = {
            "rank": None if at is None else rank(me),
            "position": None if at is None else at + 1,
            "tied": 0 if at is None else points.count(points[me]),
            "points": points[me],
            "name": name_of(me),
            "hidden": False,
        }
        near = [] if at is None else range(max(0, at - around), min(len(order), at + around + 1))
        answer["around"] = [row(place) for place in near]
    return answer | more


def falling(count: int, first: int = 27946, step: int = 311) -> list[int]:
    """Points of `count` members, each with fewer than the one before."""
    return [max(1, first - step * i) if first - step * i > 0 else count - i + 1 for i in range(count)]

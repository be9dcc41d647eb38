"""What differs between a document that is kept and one that came later under its id, for the answer to a conflict."""

import msgspec

_IGNORED = frozenset({"email", "quiet", "traits"})
"""Contact data, and what an import says of itself: no part of the content. `traits` are compared with the lines."""


def differing_fields(kept: bytes, sent: bytes) -> list[str]:
    """The fields in which the contents of two documents differ, in alphabetical order, as the wire names them.

    `kept` and `sent` are contents as `Document.content` has them. Neither names the member, for content never does;
    where all else is alike, the answer is empty. Lines are compared in any order, and a total only where the lines are
    alike: it follows from them. Raises nothing: what cannot be read gives an empty answer.
    """
    try:
        one, other = (msgspec.json.decode(content) for content in (kept, sent))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return []
    differing = {name for name in one.keys() | other.keys() if _value(one, name) != _value(other, name)} - _IGNORED
    return sorted(differing - {"total"} if "lines" in differing else differing)


def _value(content: dict[str, object], name: str) -> object:
    """A field's value; lines sorted, by the spelling of each, with what else is said of them."""
    value = content.get(name)
    if name != "lines" or not isinstance(value, list):
        return value
    traits = content.get("traits")
    if not isinstance(traits, list):
        traits = [{}] * len(value)
    return sorted(map(msgspec.json.encode, zip(value, traits, strict=False)))

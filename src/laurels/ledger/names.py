"""Name numbers: what proxy names are rendered from. They follow from a member's id and its renames under the names'
key, and never from the order in which members came: after a restore whoever comes again is given the same name, and
nobody another's.
"""

import hashlib

NAMES = 655_360_000
"""How many proxy names there are. Name numbers are below this."""

_BYTES = 8  # before the remainder: its bias is below 2^-34


class NameNumbers:
    """Gives name numbers under one key. Two members may be given the same one: then the next `attempt` counts."""

    def __init__(self, key: bytes) -> None:
        """A key of any length. Another one gives other numbers."""
        self._key = hashlib.blake2b(key, person=b"name numbers").digest()
        self.fingerprint = hashlib.blake2b(key, digest_size=16, person=b"names key").digest()
        """What a ledger keeps of the key, to tell it from another: nothing of it can be read back."""

    def number(self, member_id: str, renames: int, attempt: int = 0) -> int:
        """The name number of a member that was renamed so many times. Takes 2 us."""
        text = f"{renames}\n{attempt}\n{member_id}".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=_BYTES, key=self._key).digest(), "big") % NAMES

"""Fingerprints keyed by the native core, where it is installed: in a quarter of the time, and other threads have the
interpreter meanwhile.
"""

from importlib.util import find_spec

from laurels.engines.sqlite.chain import SECRET_BYTES
from laurels.model.documents import keyed

if find_spec("laurels_core") is not None:
    import laurels_core as core
else:
    core = None  # type: ignore[assignment]


def keyed_all(secrets: bytes, fingerprints: bytes) -> bytes:
    """Fingerprints of 16 bytes, one behind the other, each `keyed` by the secret at its place."""
    if hasattr(core, "keyed"):
        return core.keyed(secrets, fingerprints)
    return one_by_one(secrets, fingerprints)


def one_by_one(secrets: bytes, fingerprints: bytes) -> bytes:
    """The same without the core."""
    places = [slice(at, at + SECRET_BYTES) for at in range(0, len(secrets), SECRET_BYTES)]
    return b"".join([keyed(secrets[place], fingerprints[place]) for place in places])

"""Members' checked tokens between the workers of one `serve`: a member's second request is fast whichever worker takes
it.

They lie in memory that the first worker makes and the others map; the environment says where. It has no name in the
file system, so it is gone with the last of them, and what it holds are keyed digests and members' ids. What one worker
has checked counts at another only while that one trusts the key that it was checked with, under the same settings.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import structlog

from laurels.http.admission.keys import VerificationKey, identity
from laurels.http.native import IS_INSTALLED, core

VARIABLE = "SHARED_TOKENS_OF_LAURELS"
"""Names the memory to the other workers. No setting, so it does not begin as those do."""

MOST = 1 << 17
"""Tokens that are shared: 16 MB, as they come. Where more members are online, the one that ends first gives way."""

log = structlog.get_logger(__name__)


@contextmanager
def shared_tokens() -> Iterator[None]:
    """Let the workers that are started within share tokens with this one. Nothing is shared without the native core, or
    where the system has no such memory.
    """
    table = None
    try:
        table = core.SharedTokens(MOST) if IS_INSTALLED else None
    except OSError as error:
        log.info("auth.tokens_not_shared", why=str(error))
    if table is None:
        yield
        return
    os.environ[VARIABLE] = f"/proc/{os.getpid()}/fd/{table.fileno()}"
    try:
        yield
    finally:
        del os.environ[VARIABLE]


def joined() -> "core.SharedTokens | None":
    """The memory that this process shares with others; None where there is none."""
    path = os.environ.get(VARIABLE)
    if path is None:
        return None
    try:
        return core.SharedTokens.open(path)
    except (OSError, core.CoreError) as error:
        log.warning("auth.tokens_not_shared", why=str(error))
        return None


def name_of(key: VerificationKey, settings: str) -> int:
    """What a key is called among workers: 64 bits of a digest of the key, and of the `settings` that say what a token
    which it signed has to tell. Costs 10 us.
    """
    return int.from_bytes(blake2b(repr((identity(key), settings)).encode(), digest_size=8).digest())

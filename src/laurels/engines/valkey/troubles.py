"""What the driver's errors mean: the server's own word for it, and what an operator does about it."""

import re
import ssl

from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    InvalidResponse,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import ConnectionError as NoConnectionError
from redis.exceptions import TimeoutError as NoAnswerError

_ADVICE = {
    "NOPERM": "This user lacks a right. The how-to on Valkey lists the least rights.",
    "NOAUTH": "The server wants a password: put user and password into leaderboard.url.",
    "WRONGPASS": "The server does not take this user and password: correct them in leaderboard.url.",
    "BUSY": "Somebody's script keeps the server: wait for it, or end it by SCRIPT KILL.",
    "WRONGTYPE": "Somebody wrote over a key of the board: give Laurels a database or leaderboard.prefix of its own. "
    "The board is rebuilt.",
    "MISCONF": "The server cannot save its snapshot and takes no writes: see its log, its disk and its rights there.",
    "OOM": "The server's memory is full: raise its maxmemory. The board stays as it is until then.",
    "READONLY": "The server is a replica by now: give the address of the primary, or of its sentinels.",
    "NOREPLICAS": "The server has too few replicas in step to take writes: see them, and min-replicas-to-write.",
    "LOADING": "The server is reading its snapshot: wait.",
    "MASTERDOWN": "The server is a replica without its primary: give the address of the primary, or of its sentinels.",
    "MAXCLIENTS": "The server has no connection left: raise its maxclients.",
    "COMMAND": "The server does not know a command that Laurels needs: it was renamed or taken away (rename-command).",
    "DENIED": "The server is in protected mode: give it a password, or an address to listen on (bind).",
    "DB": "The server has no such database: correct the number at the end of leaderboard.url.",
    "TLS": "TLS failed. A plain port is valkey://, a TLS port valkeys://; the authority is leaderboard.ca_file.",
    "NO-ANSWER": "The server is there and does not answer in time: see whether it hangs, swaps or runs long commands.",
    "GARBAGE": "What answers does not speak Valkey's protocol, or its answer is damaged: see what listens there. A TLS "
    "port is valkeys://.",
    "CLUSTER": "The server is part of a cluster: give one that stands alone.",
    "AWAY": "The server cannot be reached, or hangs up: see whether it runs, its address, and the firewall; a TLS port "
    "is valkeys://, and one that wants a certificate of its clients needs leaderboard.cert_file.",
}
_GARBAGE = "GARBAGE"
_OTHER = "See the server's log."
_REFUSED = re.compile(r"run the '([^']+)' command")

_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLError, "TLS"),
    (NoPermissionError, "NOPERM"),
    (AuthorizationError, "NOPERM"),
    (ReadOnlyError, "READONLY"),
    (OutOfMemoryError, "OOM"),
    (BusyLoadingError, "LOADING"),
    (InvalidResponse, "GARBAGE"),
    (NoAnswerError, "NO-ANSWER"),
    (TimeoutError, "NO-ANSWER"),
    (NoConnectionError, "AWAY"),
    (OSError, "AWAY"),
)
_BY_TEXT = {
    "nknown command": "COMMAND",
    "nknown Redis command": "COMMAND",
    "DB index": "DB",
    "unauthenticated": "NOAUTH",
    "max number of clients": "MAXCLIENTS",
    "CROSSSLOT": "CLUSTER",
    "MOVED ": "CLUSTER",
    "CLUSTERDOWN": "CLUSTER",
}


def trouble_of(error: BaseException) -> str:
    """One word for an error: the prefix of the server's own message (`NOPERM`, `BUSY`, …), or a word of ours where the
    server said none.
    """
    if is_refused_right(error):
        return "NOPERM"
    text = str(error)
    if "SSL" in text or "CERTIFICATE_VERIFY" in text:
        return "TLS"
    if isinstance(error, AuthenticationError):
        return "NOAUTH" if "required" in text.lower() or text.startswith("NOAUTH") else "WRONGPASS"
    for kind, word in _BY_TYPE:
        if isinstance(error, kind):
            return word
    return _first_word(text) if isinstance(error, ResponseError) else _GARBAGE


def _first_word(text: str) -> str:
    for part, word in _BY_TEXT.items():
        if part in text:
            return word
    word = text.split(" ", 1)[0].rstrip(":")
    return word if word.isascii() and word.isupper() else "ERR"


def refused_command(error: BaseException) -> str | None:
    """The command that the server refused to this user, as `ACL SETUSER` names it, such as `select`; None where it does
    not say.
    """
    found = _REFUSED.search(str(error))
    return None if found is None else found[1]


def is_refused_right(error: BaseException) -> bool:
    """Whether the server refused a command, a key or a channel to this user, also from within a script."""
    text = str(error)
    return isinstance(error, NoPermissionError) or "NOPERM" in text or "ACL failure" in text or "user executing" in text


def is_unknown_command(error: BaseException) -> bool:
    """Whether the server does not know a command, also from within a script."""
    return isinstance(error, ResponseError) and trouble_of(error) == "COMMAND"


def advice_on(word: str) -> str:
    """What to do about it."""
    return _ADVICE.get(word, _OTHER)

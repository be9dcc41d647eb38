"""Every error that Laurels raises on purpose. The docstring of a class is its default message.

Packages raise these; `http` alone translates them to problem documents, and the command line to one line and an
exit code. A driver's error never leaves its engine: it is wrapped, and kept as `__cause__`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


class LaurelsError(Exception):
    """Laurels could not do this."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.meaning())

    @classmethod
    def meaning(cls) -> str:
        """What the class says where nothing more exact is known."""
        return " ".join((cls.__doc__ or "").split())

    @property
    def message(self) -> str:
        """The message as a person reads it."""
        return str(self.args[0])


@dataclass(frozen=True)
class FieldError:
    """One thing that is wrong with the input: which field, and what to do about it."""

    field: str
    message: str


class InvalidInput(LaurelsError):
    """The input is not valid. `errors` names each field that is at fault, and says what to do about it."""

    def __init__(self, errors: Sequence[FieldError], message: str | None = None) -> None:
        self.errors = tuple(errors)
        super().__init__(message or "; ".join(f"{error.field}: {error.message}" for error in self.errors))

    @classmethod
    def of(cls, field: str, message: str) -> "InvalidInput":
        """The usual case: one field is at fault."""
        return cls([FieldError(field, message)])


class Conflict(LaurelsError):
    """This id was used before with other content. Nothing was changed."""

    fields: tuple[str, ...] = ()
    """The fields that differ from what came first, where that is known."""

    @classmethod
    def differing(cls, fields: Sequence[str]) -> "Conflict":
        """The conflict with what came first in these fields."""
        if not fields:
            return cls()
        conflict = cls(f"This id was used before with other content: {', '.join(fields)}. Nothing was changed.")
        conflict.fields = tuple(fields)
        return conflict


class InsufficientPoints(LaurelsError):
    """The balance does not cover these points. Nothing was changed."""


class PointsOutOfRange(LaurelsError):
    """A member's points must stay within plus or minus 2147483647. Nothing was changed."""


class TooLarge(LaurelsError):
    """This is more than one request may carry."""


class NotSignedIn(LaurelsError):
    """A valid token is needed: `Authorization: Bearer` and the token."""


class NotAllowed(LaurelsError):
    """This token does not allow that."""

    def __init__(self, message: str | None = None, scopes: Sequence[str] = ()) -> None:
        self.scopes = tuple(scopes)
        super().__init__(message)


class IssuerUnavailable(LaurelsError):
    """The keys that tokens are checked with cannot be fetched now. Try again."""

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__()


class TooManyRequests(LaurelsError):
    """That was too often. Wait as long as `Retry-After` says, then go on."""

    def __init__(self, retry_after_s: int, message: str | None = None) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class WrongMediaType(LaurelsError):
    """The body has to be JSON: send it with `Content-Type: application/json`."""


class NotFound(LaurelsError):
    """There is no such thing here."""


class UnknownMember(NotFound):
    """No such member."""


class UnknownOrder(NotFound):
    """No such order."""


class UnknownBoard(NotFound):
    """No such board. Boards are `all-time`, `month` and `month:YYYY-MM`."""


class VersionNotReached(LaurelsError):
    """The leaderboard has not reached the requested version yet. Try again."""

    def __init__(self, requested: str, current: str) -> None:
        self.requested = requested
        self.current = current
        super().__init__()


class LedgerUnavailable(LaurelsError):
    """The ledger cannot take this now. Nothing was accepted; try again."""


class LedgerRefused(LedgerUnavailable):
    """The ledger cannot hold this. Nothing was accepted."""


class LedgerUncertain(LedgerUnavailable):
    """The ledger broke off while it wrote this, so it may be in or not. Send the same again: it counts once."""


@contextmanager
def after_writing(*, is_some_in: bool = True) -> Iterator[None]:
    """For what comes after something was written, or may have been: a ledger that is away by then would say that
    nothing was accepted, so this raises `LedgerUncertain` in its place.
    """
    try:
        yield
    except LedgerUnavailable as error:
        if isinstance(error, LedgerUncertain) or not is_some_in:
            raise
        raise LedgerUncertain from error


class LedgerDamaged(LedgerUnavailable):
    """The ledger's file is damaged. `laurels verify` says where; restore a backup."""


class LedgerReadOnly(LedgerUnavailable):
    """The ledger's files cannot be written. Check the rights and the free space of the state directory."""


class LedgerMissing(LaurelsError):
    """There is no ledger here. Name its directory with --state, or make one: `laurels serve`."""


class EventsMoved(LaurelsError):
    """The ledger was restored, and what this cursor had read is not in it. Read the events from the beginning."""


class QueueUnavailable(LaurelsError):
    """The queue cannot be used now. What was taken and not confirmed comes again."""


class CheckoutClosed(LaurelsError):
    """There is no checkout here: it needs a payment provider, and this Laurels has none."""


class PaymentsUnavailable(LaurelsError):
    """The payment provider does not answer now. Send the same order again: it is charged once."""


class SchemaTooNew(LaurelsError):
    """The ledger was written by a newer Laurels. Run that version, or restore a backup that this one knows."""


class SchemaTooOld(LaurelsError):
    """The ledger's schema is older than this Laurels. Run `laurels migrate`."""


class ForeignFile(LaurelsError):
    """This file is not a Laurels ledger. Choose another state directory."""


class NotOwned(LaurelsError):
    """Another process awards this shard now. Nothing was written."""


class FeedDiverged(LaurelsError):
    """The ledger's feed is not the one that this leaderboard followed. It has to be rebuilt."""


class AnotherProjector(LaurelsError):
    """Another process keeps this leaderboard up to date: `laurels serve` or `laurels project`. Stop it first."""


class BoardMoved(LaurelsError):
    """The leaderboard is not where it was left: its server lost data, or another process changed it. Look again."""


class BoardUnavailable(LaurelsError):
    """The leaderboard cannot be written now. Try again."""


class BoardNotReady(LaurelsError):
    """The leaderboard is being built. Try again."""


class ProgramError(LaurelsError):
    """The program is not valid."""


class UnknownProgramVersion(ProgramError):
    """An order was awarded under a program version that this process has not loaded."""


class SettingsError(LaurelsError):
    """The settings are not valid."""


class AnotherNamesKey(SettingsError):
    """The key of the proxy names is another one than this ledger's: every member would get another name. Put the
    ledger's own back (names.key, or the file of names.key_file), or change it on purpose: `laurels keys change names`.
    """


class FileRefused(LaurelsError):
    """This file cannot be used."""


class Refused(LaurelsError):
    """A document that cannot be awarded; it is quarantined with this reason."""

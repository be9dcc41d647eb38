"""The programs: handed in as drafts, put in force by an act, for ever as they were."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

OTHER_RULES = "Version {version} of the program is published with other rules. Give the changed program a new version."
"""What to say of a program that would change a published one."""


class PublishedProgram(Struct, frozen=True, kw_only=True):
    """A published version. It is in force from `from_at` on; None: it always was."""

    version: int
    text: str
    from_at: int | None
    published_at: int
    actor: str | None


class Draft(Struct, frozen=True, kw_only=True):
    """A program that was handed in. `digest` is of its exact bytes; approved by somebody, it is published."""

    digest: str
    version: int
    text: str
    submitted_by: str
    submitted_at: int
    approved_by: str | None
    approved_at: int | None


class ProgramStore(Protocol):
    """Program versions. A published one never changes."""

    async def programs(self) -> list[PublishedProgram]:
        """All published versions, by version."""
        ...

    async def publish(self, version: int, text: str, from_at: int | None, *, actor: str) -> list[PublishedProgram]:
        """Publish a version; gives all published ones. Where the ledger has none yet, it is in force from ever; any
        other from `from_at`, None: from now on. The same text again changes nothing.

        Raises `ProgramError` for other text under a used version, for a version that is not above the last one, and
        for one that would be in force before it.
        """
        ...

    async def submit(self, version: int, text: str, *, actor: str) -> Draft:
        """Keep a program as a draft. The same bytes again give the draft that is there."""
        ...

    async def drafts(self) -> Sequence[Draft]:
        """All drafts, the newest first."""
        ...

    async def approve(
        self, digest: str, from_at: int | None, *, actor: str, by_another: bool
    ) -> list[PublishedProgram]:
        """Publish a draft; gives all published versions. With `by_another` the one who submitted it may not. Raises
        `NotFound`, `NotAllowed`, and like `publish`.
        """
        ...

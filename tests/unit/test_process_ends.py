"""What a command's work came to is what is told, whatever its event loop is still busy with at the end."""

import asyncio
import errno

import pytest

from laurels.errors import SettingsError
from laurels.runtime import process


class Busy(asyncio.SelectorEventLoop):
    """Ends as uvloop does where a TLS connection still says goodbye."""

    def close(self) -> None:
        super().close()
        raise OSError(errno.EBUSY, "resource busy or locked")


@pytest.mark.parametrize("fails", [True, False])
def test_a_loop_that_does_not_end_hides_nothing(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> str:
        if fails:
            raise SettingsError("What is wrong.")
        return "done"

    monkeypatch.setattr(process, "_loop_factory", lambda: Busy)
    if fails:
        with pytest.raises(SettingsError, match=r"What is wrong\."):
            process.run(work())
    else:
        assert process.run(work()) == "done"

"""A Chromium for the tests of one file, which is ended by its process id where it does not answer."""

import os
import signal
import threading
import warnings
from contextlib import suppress
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Playwright

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CLOSES_WITHIN_S = 60.0


class Chromium:
    """A browser, and another one where it had to be ended: what a test left behind is not the next one's failure."""

    def __init__(self, playwright: Playwright, path: str) -> None:
        self._playwright = playwright
        self._path = path
        self._browser: Browser | None = None
        self.leader = 0
        """The browser's process. Its helpers are of its group, which Playwright made for it."""

    def new_context(self, **options: Any) -> BrowserContext:
        """A profile of its own, to be given to `close`."""
        if self._browser is None:
            self._browser = self._playwright.chromium.launch(executable_path=self._path, args=FLAGS)
            processes = self._browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
            [self.leader] = [each["id"] for each in processes if each["type"] == "browser"]
        return self._browser.new_context(**options)

    def close(self, context: BrowserContext, within_s: float = CLOSES_WITHIN_S) -> None:
        """Close a profile and its pages. Chromium may not answer that for minutes: then it is ended, and a warning
        tells of it; a test has said by then what it had to say.
        """
        is_ended = threading.Event()

        def end() -> None:
            is_ended.set()
            self._kill()

        watch = threading.Timer(within_s, end)
        watch.start()
        try:
            context.close()
        except Error:
            if not is_ended.is_set():
                raise
        finally:
            watch.cancel()
            watch.join()
        if is_ended.is_set():
            self.end()
            warnings.warn(f"Chromium did not close within {within_s:g} s, and was ended.", stacklevel=2)

    def end(self) -> None:
        """End it. Asked to leave, it may take minutes where the machine is busy, and nothing of it is kept."""
        if self._browser is not None:
            self._kill()
            self._browser.close()
            self._browser = None

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.leader, signal.SIGKILL)

"""How processes that tests started are ended, whatever they are at and however busy the machine is."""

import signal
import subprocess
from contextlib import suppress
from typing import Any

LEAVES_WITHIN_S = 60.0


def end(process: "subprocess.Popen[Any]", how: signal.Signals = signal.SIGTERM) -> None:
    """Ask a process to leave, and take what it still says, for a full pipe would keep it. One that stays is killed: how
    it leaves is what other tests are about, and one left behind takes the machine from all that follow.
    """
    process.send_signal(how)
    try:
        process.communicate(timeout=LEAVES_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def leave(process: "subprocess.Popen[Any]") -> None:
    """The same for one to whom somebody else listens."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(LEAVES_WITHIN_S)
    process.kill()
    process.wait()

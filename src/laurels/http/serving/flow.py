"""When a connection is read, and when not."""

from uvicorn.protocols.http.flow_control import FlowControl


class Flow(FlowControl):
    """Reading that stays paused while requests wait their turn: whoever is at work on an earlier one, and waits for its
    body or for the client to hang up, would read the next ones otherwise.
    """

    is_held = False

    def resume_reading(self) -> None:
        """Read on, unless held."""
        if not self.is_held:
            super().resume_reading()

    def hold(self) -> None:
        """Read nothing until `release`."""
        self.is_held = True
        self.pause_reading()

    def release(self) -> None:
        """Read on."""
        self.is_held = False
        self.resume_reading()

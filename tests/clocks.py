"""A clock for tests that look at what real time decides too."""

from laurels import clock


class RunningClock:
    """The real time, and so much later."""

    later = 0
    """In microseconds."""

    def __call__(self) -> int:
        """The instant, in microseconds."""
        return clock.now() + self.later

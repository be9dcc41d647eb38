"""Where processes that serve together count together. Apart from `laurels.metrics`, because it has to be settled
before prometheus-client is loaded.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""prometheus-client's own: a process that finds it set counts into files there, and so do its children."""


@contextmanager
def shared() -> Iterator[None]:
    """Let this process and those that it starts count together, from zero, into files that are removed at the end.

    To be entered before `laurels.metrics` is loaded. Where the environment names a directory already, that one is used
    and kept: so an operator brings processes together that are started one by one.
    """
    if is_shared():
        yield
        return
    assert "prometheus_client" not in sys.modules, "it has decided already where to count"
    with tempfile.TemporaryDirectory(prefix="laurels-metrics-") as directory:
        os.environ[VARIABLE] = directory
        try:
            yield
        finally:
            del os.environ[VARIABLE]


def is_shared() -> bool:
    """Whether this process counts together with others."""
    return VARIABLE in os.environ

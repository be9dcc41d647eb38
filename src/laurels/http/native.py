"""The parts of the native core that HTTP uses, where it is installed."""

from importlib.util import find_spec

IS_INSTALLED: bool = find_spec("laurels_core") is not None

if IS_INSTALLED:
    import laurels_core as core
else:
    core = None  # type: ignore[assignment]

__all__ = ["IS_INSTALLED", "core"]

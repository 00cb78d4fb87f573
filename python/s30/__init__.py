"""s30: thirty papers, six layers each, and an engine that measures how far the layers agree."""

from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`from s30 import hold`, which alone needs NumPy: nothing else may import it before the process is a clean one."""
    if name == "hold":
        from s30.verdict.holding import hold

        return hold
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The environment of a process that the user's own customisation of Python does not reach. `os` alone is imported."""

import os
from collections.abc import Sequence

# Of Python's variables those on which no result depends.
KEPT = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONFAULTHANDLER")
SPEAKING = ("PYTHONIOENCODING", "PYTHONUNBUFFERED", "PYTHONUTF8")  # how a process speaks to a terminal


def variables(kept: Sequence[str] = KEPT) -> dict[str, str]:
    """The variables of this process, of Python's own only these, with this very engine on the path and, of all that the user
    may have put there, S30_PYTHONPATH: neither PYTHONPATH nor the `sitecustomize` in it."""
    engine = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    paths = [engine, *filter(None, [os.environ.get("S30_PYTHONPATH")])]
    rest = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON") or name in kept}
    return rest | {"PYTHONPATH": os.pathsep.join(paths)}

"""The command line, by groups of commands. It parses, calls the engine and prints; what is true is decided elsewhere.

Nothing that NumPy or a package could spoil is imported here before the process is a clean one.
"""

import os
import sys
from collections.abc import Sequence

from s30 import clean


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code. Without arguments it is the whole process, and begins it anew where the user's
    customisation of Python is in it: what judges is as clean as the workers that measure."""
    if arguments is None:
        variables = clean.variables((*clean.KEPT, *clean.SPEAKING))
        if {**os.environ} != variables or not (sys.flags.safe_path and sys.flags.no_user_site):
            bare = ["-S"] if sys.flags.no_site else []
            os.execve(sys.executable, [sys.executable, *bare, "-P", "-s", "-m", "s30.cli", *sys.argv[1:]], variables)
    from s30.cli.entry import main as run

    return run(arguments)

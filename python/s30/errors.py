"""The errors that reach a user: one line each, saying what, where and what to do."""

from __future__ import annotations

import traceback
from pathlib import Path


class S30Error(Exception):
    """Something the user can act on. The command line prints the message alone, without a traceback.

    `exit_code` is 2 for bad input (an unknown paper, a malformed file) and 1 for a fault while working.
    """

    exit_code = 1


class Interrupted(S30Error):  # noqa: N818 - it is no error of anyone
    """Ctrl-C, where the command line's usual word about it would not be true."""

    exit_code = 130


class UsageError(S30Error):
    """The request or a file of the project is malformed."""

    exit_code = 2


def place(error: BaseException, folder: Path, root: Path) -> str:
    """`FILE:LINE: ` where the error arose in a file of `folder`, relative to `root`; empty when it did not pass there."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename).is_relative_to(folder):
            return f"{Path(frame.filename).relative_to(root)}:{frame.lineno}: "
    if isinstance(error, SyntaxError) and error.filename:  # the file was not executed, so that no frame names it
        file = Path(error.filename)
        return f"{file.relative_to(root) if file.is_relative_to(root) else file}:{error.lineno}: "
    return ""


def one_line(error: BaseException) -> str:
    """`Type: message`, or an S30Error's message alone, with all white space folded, so that a fault always fits in one line."""
    message = " ".join(str(error).split())
    if isinstance(error, S30Error):
        return message
    return f"{type(error).__name__}: {message}" if message else type(error).__name__

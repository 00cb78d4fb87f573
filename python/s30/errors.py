"""The errors that reach a user: one line each, saying what, where and what to do."""

from __future__ import annotations


class S30Error(Exception):
    """Something the user can act on. The command line prints the message alone, without a traceback.

    `exit_code` is 2 for bad input (an unknown paper, a malformed file) and 1 for a fault while working.
    """

    exit_code = 1


class UsageError(S30Error):
    """The request or a file of the project is malformed."""

    exit_code = 2


def one_line(error: BaseException) -> str:
    """`Type: message` with all white space folded, so that a fault always fits in one line."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
